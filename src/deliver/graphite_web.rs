//! Reading back from graphite-web whether lines have arrived.
//! <https://graphite.readthedocs.io/en/latest/render_api.html>

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value as Json;
use ureq::Agent;

use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit, chain, one_line};

/// How far around a run to look, in seconds: more than a slot of any schema that keeps what it is
/// sent.
const AROUND: u64 = 600;
/// How many series to ask for at a time.
const AT_A_TIME: usize = 200;
/// The width of a slot where a single point does not show it.
const USUAL_STEP: u64 = 60;
/// What is near enough to be the same number, of the number.
const NEAR: f64 = 1e-9;
/// More than that many series with a day each have.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// A graphite-web that shows what a carbon has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphiteWeb {
    url: String,
}

impl FromStr for GraphiteWeb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = text.trim_end_matches('/');
        let is_http = |scheme: &str| url.strip_prefix(scheme).is_some_and(|it| !it.is_empty());
        if url.contains('@') {
            return Err("leave user:password@ out".to_owned());
        }
        match is_http("http://") || is_http("https://") {
            true => Ok(GraphiteWeb {
                url: url.to_owned(),
            }),
            false => Err("it is a URL, such as http://localhost:8080".to_owned()),
        }
    }
}

impl fmt::Display for GraphiteWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "graphite-web at {}", self.url)
    }
}

impl GraphiteWeb {
    /// Finds out whether it can be asked.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn probe(&self, timestamp: u64, deadline: Deadline) -> Result<(), Error> {
        let line = format!("freebox_monitor.check 1 {timestamp}\n");
        self.missing(&line, timestamp, deadline).map(drop)
    }

    /// Of the lines of a run, those that are not shown.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(super) fn missing(
        &self,
        lines: &str,
        timestamp: u64,
        deadline: Deadline,
    ) -> Result<String, Error> {
        let all: Vec<&str> = lines.split_inclusive('\n').collect();
        let mut missing = String::new();
        for some in all.chunks(AT_A_TIME) {
            let paths: Vec<&str> = some
                .iter()
                .filter_map(|line| line.split(' ').next())
                .collect();
            let shown = self.series(&paths, timestamp, deadline)?;
            let lacks = |line: &&&str| !is_shown(line, &shown, timestamp);
            missing.extend(some.iter().filter(lacks).copied());
        }
        Ok(missing)
    }

    fn series(
        &self,
        paths: &[&str],
        timestamp: u64,
        deadline: Deadline,
    ) -> Result<HashMap<String, Vec<Point>>, Error> {
        let cannot = |why: String| Error::new(Exit::Undelivered, format!("{self}: {why}"));
        let left = deadline
            .left()
            .ok_or_else(|| cannot("no time is left".to_owned()))?;
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(left / 2))
            .proxy(None)
            .max_redirects(0)
            .build()
            .into();
        let (from, until) = (timestamp.saturating_sub(AROUND), timestamp + AROUND);
        let mut form: Vec<(&str, String)> = vec![
            ("format", "json".to_owned()),
            ("noCache", "1".to_owned()),
            ("from", from.to_string()),
            ("until", until.to_string()),
        ];
        form.extend(paths.iter().map(|path| ("target", (*path).to_owned())));
        let form = form.iter().map(|(name, value)| (*name, value.as_str()));
        let failed = |error: ureq::Error| cannot(one_line(&chain(&error)));
        let mut answer = agent
            .post(format!("{}/render", self.url))
            .send_form(form)
            .map_err(failed)?;
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER);
        let body = body.read_to_vec().map_err(failed)?;
        let json: Json = serde_json::from_slice(&body)
            .map_err(|_| cannot("its answer is not JSON".to_owned()))?;
        let series = json.as_array().into_iter().flatten();
        Ok(series.filter_map(one_series).collect())
    }
}

/// A point, as far as there is a number: time and value.
type Point = (u64, Option<f64>);

fn one_series(series: &Json) -> Option<(String, Vec<Point>)> {
    let points = series.get("datapoints")?.as_array()?.iter();
    let points = points.filter_map(|point| Some((point.get(1)?.as_u64()?, point.get(0)?.as_f64())));
    Some((series.get("target")?.as_str()?.to_owned(), points.collect()))
}

/// Whether the slot of the line holds its number, or, where a slot is wider than a minute, any:
/// a later one has taken its place then.
fn is_shown(line: &str, shown: &HashMap<String, Vec<Point>>, timestamp: u64) -> bool {
    let mut fields = line.split(' ');
    let (Some(path), Some(value)) = (fields.next(), fields.next()) else {
        return true;
    };
    let Some(points) = shown.get(path) else {
        return false;
    };
    let step = match points.as_slice() {
        [(first, _), (second, _), ..] => second.saturating_sub(*first).max(1),
        _ => USUAL_STEP,
    };
    let slot = points
        .iter()
        .find(|(at, _)| (*at..at + step).contains(&timestamp));
    match (slot.and_then(|(_, value)| *value), value.parse::<f64>()) {
        (Some(stored), Ok(sent)) => {
            step > USUAL_STEP || (stored - sent).abs() <= NEAR * sent.abs().max(1.0)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_where_its_slot_holds_it() {
        let shown = |json: &str| {
            let json: Json = serde_json::from_str(json).expect("JSON");
            let series = json.as_array().expect("a list").iter();
            series.filter_map(one_series).collect::<HashMap<_, _>>()
        };
        let minutes = shown(
            r#"[{"target":"a.b","datapoints":[[null,60],[7,120],[8.5,180]]},{"target":"c","datapoints":[]}]"#,
        );
        let cases = [
            ("a.b 7 130\n", 130, true),
            ("a.b 7.0000000001 130\n", 130, true),
            ("a.b 9 130\n", 130, false),
            ("a.b 7 70\n", 70, false),
            ("a.b 7 240\n", 240, false),
            ("c 7 130\n", 130, false),
            ("d 7 130\n", 130, false),
        ];
        for (line, timestamp, expected) in cases {
            assert_eq!(is_shown(line, &minutes, timestamp), expected, "{line}");
        }
        let wide = shown(r#"[{"target":"a","datapoints":[[1,0],[2,300],[null,600]]}]"#);
        assert!(is_shown("a 9 310\n", &wide, 310));
        assert!(!is_shown("a 9 610\n", &wide, 610));
    }

    #[test]
    fn it_is_named_by_a_url() {
        let web: GraphiteWeb = "http://localhost:8080/".parse().expect("a URL");
        assert_eq!(web.to_string(), "graphite-web at http://localhost:8080");
        for bad in ["localhost:8080", "http://", "ftp://x", ""] {
            assert!(bad.parse::<GraphiteWeb>().is_err(), "{bad}");
        }
    }
}
