//! The line protocol of InfluxDB, with the measurements, tags, fields and types of
//! freebox-monitoring 0.9.1, so that a database which that script has filled goes on.
//! <https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/>

use std::collections::HashSet;
use std::fmt::Write as _;

use super::script;
use super::{API_MAJOR, API_URL, BOARD, Batch, Counts, Doubles, Encode, Encoded, LONGEST_TEXT};
use super::{is_nameless, name_of_box, named_twice, printable, readings, text_of};
use crate::metrics::group::Group;
use crate::metrics::label::Label;
use crate::metrics::sample::Sample;
use crate::metrics::value::Value;
use crate::template::RunLabels;

/// The tag of the board, which 0.9.1 has on every line of a run that knows it.
const BOARD_TAG: &str = "hw_board";

/// Lines of `measurement,tags fields`, one for each entity, as they come together.
#[derive(Debug)]
pub(super) struct Lines {
    /// Whether each line ends with its moment, in nanoseconds.
    has_time: bool,
    /// What every line about the box has before its own tags, commas included.
    tags_of_box: String,
    has_board: bool,
    /// What every line about the run itself has: the name of the box, known also when the box is
    /// away.
    tags_of_run: String,
    text: String,
    counts: Counts,
    /// The moment of the last batches, and the series that have their fields already.
    time: u64,
    series: HashSet<(*const Group, String)>,
    doubles: Doubles,
}

impl Lines {
    /// No lines yet.
    pub(super) fn new(has_time: bool, run: &RunLabels) -> Self {
        let board = text_of(run, BOARD);
        let mut tags_of_box = String::new();
        write_tag(&mut tags_of_box, BOARD_TAG, board);
        write_tag(&mut tags_of_box, "api_endpoint", text_of(run, API_URL));
        write_tag(&mut tags_of_box, "api_version", text_of(run, API_MAJOR));
        let mut tags_of_run = String::new();
        write_tag(&mut tags_of_run, "box", name_of_box(run));
        Lines {
            has_time,
            tags_of_box,
            has_board: board.is_some(),
            tags_of_run,
            text: String::new(),
            counts: Counts::default(),
            time: 0,
            series: HashSet::new(),
            doubles: Doubles::default(),
        }
    }

    fn add_one(&mut self, sample: &Sample) {
        let mut labels = sample.group.labels.iter();
        let is_unknown = |it: &Label| it.is_needed && sample.text(it.name).is_none();
        if is_nameless(sample) || labels.any(is_unknown) {
            self.counts.lost += sample.values.len();
            return;
        }
        let start = self.text.len();
        self.write_series(sample);
        let series = (
            std::ptr::from_ref(sample.group),
            self.text[start..].to_owned(),
        );
        let fields = self.write_fields(sample);
        if fields == 0 {
            return self.text.truncate(start);
        }
        if !self.series.insert(series) {
            self.text.truncate(start);
            self.counts.lost += fields;
            return self.doubles.add(|| named_twice(sample));
        }
        if self.has_time {
            // Writing to a String cannot fail.
            let _ = write!(self.text, " {}000000000", self.time);
        }
        self.text.push('\n');
        self.counts.written += fields;
    }

    fn write_series(&mut self, sample: &Sample) {
        let Group { measure, .. } = sample.group;
        self.text.push_str("freebox");
        if !measure.is_empty() {
            self.text.extend(["_", measure]);
        }
        let of_all = match sample.group.of_run {
            true => &self.tags_of_run,
            false => &self.tags_of_box,
        };
        self.text.push_str(of_all);
        for label in sample.group.labels {
            match label.tag {
                Some(tag) if tag != BOARD_TAG || !self.has_board => {
                    self.write_label(tag, label, sample);
                }
                _ => {}
            }
        }
    }

    fn write_label(&mut self, tag: &str, label: &Label, sample: &Sample) {
        let text = sample.text(label.name);
        let spelled = script::spelled(label.spelling, text);
        write_tag(&mut self.text, tag, spelled.as_deref());
    }

    /// Adds the fields; gives their number.
    fn write_fields(&mut self, sample: &Sample) -> usize {
        let mut fields = 0;
        for reading in readings(sample) {
            let Some(value) = reading.in_field() else {
                continue;
            };
            self.text.push(if fields == 0 { ' ' } else { ',' });
            let name = reading.metric.field.unwrap_or(reading.metric.name);
            self.text.extend([sample.group.field_prefix, name, "="]);
            write_value(&mut self.text, value);
            fields += 1;
        }
        fields
    }
}

impl<'a> Encode<'a> for Lines {
    fn add(&mut self, batch: Batch<'a>) {
        if batch.time != self.time {
            self.time = batch.time;
            self.series.clear();
        }
        batch.samples.iter().for_each(|sample| self.add_one(sample));
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn finish(self: Box<Self>) -> Encoded {
        Encoded {
            warning: self.doubles.warning(),
            text: self.text,
            counts: self.counts,
        }
    }
}

/// Adds a tag, unless it is empty: there is no such thing.
fn write_tag(text: &mut String, tag: &str, value: Option<&str>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return;
    };
    text.extend([",", tag, "="]);
    let mut backslashes = 0;
    for c in value.chars().take(LONGEST_TEXT).map(printable) {
        // A backslash stands for itself, but not where it would take the meaning of what follows:
        // there is no way to write that one.
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let is_special = matches!(c, ',' | '=' | ' ');
        write_backslashes(text, &mut backslashes, is_special);
        if is_special {
            text.push('\\');
        }
        text.push(c);
    }
    write_backslashes(text, &mut backslashes, true);
}

/// Adds backslashes, as the other stroke where they cannot be.
fn write_backslashes(text: &mut String, number: &mut usize, is_before_special: bool) {
    let stroke = if is_before_special { '/' } else { '\\' };
    text.extend(std::iter::repeat_n(stroke, *number));
    *number = 0;
}

/// Adds what a field holds. Numbers have no suffix: they are floats, as all of 0.9.1.
fn write_value(text: &mut String, value: &Value) {
    let Value::Text(words) = value else {
        // Writing to a String cannot fail.
        let _ = write!(text, "{value}");
        return;
    };
    text.push('"');
    for c in words.chars().take(LONGEST_TEXT).map(printable) {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::label::{Spelling, label};
    use crate::metrics::metric::{counter, flag, gauge, text};
    use crate::metrics::unit::Unit;

    static HOST: Group = Group::new(
        "host",
        "host.{mac}",
        &[
            flag("active", "Whether it is there"),
            gauge("power", Unit::Dbm, "Its power").over(100).raw(),
            counter("rx_bytes", Unit::Byte, "Its bytes").field("bytes"),
            text("version", "Its firmware"),
        ],
    )
    .labels(&[
        label("mac", &["mac"]).tag("mac"),
        label("name", &["name"])
            .tag("name")
            .spelled(Spelling::OrBlank),
        label("note", &["note"]),
    ])
    .measure("lan")
    .field_prefix("host_");

    /// A group that names the board itself, and does without a line where its vendor is not known.
    static BOX: Group =
        Group::new("box", "box", &[gauge("fans", Unit::None, "Its fans")]).labels(&[
            label("board", &["board"]).tag(BOARD_TAG),
            label("vendor", &["vendor"]).needed(),
        ]);

    fn lines(records: &[&str], run: &RunLabels, has_time: bool) -> (String, Counts) {
        let samples: Vec<Sample> = records
            .iter()
            .map(|record| Sample::read(&HOST, &serde_json::from_str(record).expect("JSON")))
            .collect();
        let mut lines = Box::new(Lines::new(has_time, run));
        lines.add(Batch {
            time: 1_700_000_000,
            samples: &samples,
        });
        let so_far = lines.counts();
        let encoded = lines.finish();
        assert_eq!(so_far, encoded.counts);
        (encoded.text, encoded.counts)
    }

    fn of_box(record: &str, run: &RunLabels) -> Encoded {
        let sample = Sample::read(&BOX, &serde_json::from_str(record).expect("JSON"));
        let mut lines = Box::new(Lines::new(false, run));
        lines.add(Batch {
            time: 1_700_000_000,
            samples: &[sample],
        });
        lines.finish()
    }

    #[test]
    fn the_board_is_named_once() {
        let record = r#"{"board":"own","vendor":"free","fans":2}"#;
        let run = vec![(BOARD, "known".to_owned())];
        assert_eq!(of_box(record, &run).text, "freebox,hw_board=known fans=2\n");
        assert_eq!(
            of_box(record, &Vec::new()).text,
            "freebox,hw_board=own fans=2\n"
        );
    }

    #[test]
    fn what_nothing_tells_apart_is_lost_and_counted() {
        let (text, counts) = lines(
            &[r#"{"active":1,"power":-1}"#, r#"{"active":1}"#],
            &Vec::new(),
            false,
        );
        assert_eq!(text, "");
        assert_eq!((counts.written, counts.lost), (0, 3));
        let unknown = of_box(r#"{"fans":2}"#, &Vec::new());
        assert_eq!((unknown.text.as_str(), unknown.counts.lost), ("", 1));
    }

    #[test]
    fn an_entity_is_a_line_with_the_numbers_of_the_script() {
        let run = vec![
            ("name", "ultra".to_owned()),
            (API_URL, "http://192.168.1.254:80/api/v16".to_owned()),
            (API_MAJOR, "16".to_owned()),
            (BOARD, "fbx gw".to_owned()),
        ];
        let record = r#"{"mac":"02:00","name":"nas","note":"-","active":true,"power":-1838,
            "rx_bytes":12500000000,"version":"4.12"}"#;
        let (text, counts) = lines(&[record], &run, true);
        let expected = "freebox_lan,hw_board=fbx\\ gw,\
            api_endpoint=http://192.168.1.254:80/api/v16,api_version=16,mac=02:00,name=nas \
            host_active=1,host_power=-1838,host_bytes=12500000000,host_version=\"4.12\" \
            1700000000000000000\n";
        assert_eq!(text, expected);
        assert_eq!(
            counts,
            Counts {
                written: 4,
                lost: 0
            }
        );
    }

    #[test]
    fn texts_are_escaped_and_stay_on_one_line() {
        let cases = [
            (r#""a b,c=d""#, r"a\ b\,c\=d"),
            (r#""\"Zoé\" 🏠""#, r#""Zoé"\ 🏠"#),
            (r#""a\\b""#, r"a\b"),
            (r#""a\\,b\\""#, r"a/\,b/"),
            (r#""a\nb\tc\u0000""#, r"a\ b\ c\ "),
            (r#""""#, r"\ "),
        ];
        for (name, expected) in cases {
            let record = format!(r#"{{"mac":"m","name":{name},"active":1}}"#);
            let (text, _) = lines(&[&record], &Vec::new(), false);
            let line = format!("freebox_lan,mac=m,name={expected} host_active=1\n");
            assert_eq!(text, line, "{name}");
        }
        let record = r#"{"mac":"m","version":"a\\b \"c\", d\ne"}"#;
        let (text, _) = lines(&[record], &Vec::new(), false);
        let line = "freebox_lan,mac=m,name=\\  host_version=\"a\\\\b \\\"c\\\", d e\"\n";
        assert_eq!(text, line);
    }

    #[test]
    fn of_two_that_are_one_series_the_first_stays() {
        let records = [
            r#"{"mac":"m","active":1}"#,
            r#"{"mac":"m","active":0,"power":-100}"#,
            r#"{"mac":"n"}"#,
        ];
        let (text, counts) = lines(&records, &Vec::new(), false);
        assert_eq!(text, "freebox_lan,mac=m,name=\\  host_active=1\n");
        assert_eq!(
            counts,
            Counts {
                written: 1,
                lost: 2
            }
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        let record = format!(
            r#"{{"mac":"m","name":"{}","active":1}}"#,
            "é,".repeat(40_000)
        );
        let (text, _) = lines(&[&record], &Vec::new(), false);
        assert!(text.len() < 2000, "{}", text.len());
    }
}
