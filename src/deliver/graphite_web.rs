//! Reading back from graphite-web whether lines have arrived.
//! <https://graphite.readthedocs.io/en/latest/render_api.html>

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use rustls::Error as TlsError;
use serde_json::Value as Json;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::line::{Line, lines as lines_of};
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit, chain, one_line};
use crate::base::http::{self, LONGEST_CONNECT, Trust};

/// What is asked for together lies in the same so many seconds: a longer time is shown from an
/// archive with fewer points.
const WINDOW: u64 = 6 * 3600;
/// How far around a line to look, in seconds: more than a slot of any schema that keeps what it is
/// sent.
const AROUND: u64 = 600;
/// How many series to ask for at a time.
const AT_A_TIME: usize = 200;
/// How long a failure of graphite-web may last that is none.
const A_MOMENT: Duration = Duration::from_millis(200);
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
            return Err("it takes neither user nor password: leave that part out".to_owned());
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
    pub(crate) fn probe(
        &self,
        trust: &Trust,
        timestamp: u64,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let line = format!("freebox_monitor.check 1 {timestamp}\n");
        self.reader(trust).missing(&line, deadline).map(drop)
    }

    /// Gets ready to ask.
    pub(super) fn reader(&self, trust: &Trust) -> Reader<'_> {
        let (agent, _) = http::agent(trust, LONGEST_CONNECT);
        Reader { web: self, agent }
    }
}

/// Asks a graphite-web.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    web: &'a GraphiteWeb,
    agent: Agent,
}

impl Reader<'_> {
    /// Those of some lines that are not shown, in their order; each at its own time.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(super) fn missing(&self, lines: &str, deadline: Deadline) -> Result<String, Error> {
        let lines = lines_of(lines).enumerate();
        let lines: Vec<Sent> = lines.map(|(at, line)| Sent::new(at, line)).collect();
        let mut windows: BTreeMap<u64, BTreeMap<&str, Vec<&Sent>>> = BTreeMap::new();
        for sent in &lines {
            let paths = windows.entry(sent.line.time / WINDOW).or_default();
            paths.entry(&sent.path).or_default().push(sent);
        }
        let mut missing: Vec<&Sent> = Vec::new();
        for paths in windows.into_values() {
            let paths: Vec<(&str, Vec<&Sent>)> = paths.into_iter().collect();
            for some in paths.chunks(AT_A_TIME) {
                let shown = self.series(some, deadline)?;
                let asked = some.iter().flat_map(|(_, lines)| lines);
                missing.extend(asked.filter(|sent| !is_shown(sent, &shown)));
            }
        }
        missing.sort_by_key(|sent| sent.number);
        Ok(missing.iter().map(|sent| sent.line.text).collect())
    }

    /// What is shown of some paths around the times of their lines.
    fn series(
        &self,
        paths: &[(&str, Vec<&Sent>)],
        deadline: Deadline,
    ) -> Result<HashMap<String, Vec<Point>>, Error> {
        let cannot = |why| Error::new(Exit::Undelivered, format!("{}: {why}", self.web));
        let times = paths.iter().flat_map(|(_, lines)| lines);
        let times = times.map(|sent| sent.line.time);
        let from = times.clone().min().unwrap_or(0).saturating_sub(AROUND);
        let until = times.max().unwrap_or(0) + AROUND;
        let (from, until) = (from.to_string(), until.to_string());
        let mut form = vec![
            ("format", "json"),
            ("noCache", "1"),
            ("from", &from),
            ("until", &until),
        ];
        form.extend(paths.iter().map(|(path, _)| ("target", *path)));
        let body = self.ask(&form, deadline).map_err(cannot)?;
        let json: Json = serde_json::from_slice(&body)
            .map_err(|_| cannot("its answer is not JSON".to_owned()))?;
        let series = json.as_array().into_iter().flatten();
        Ok(series.filter_map(one_series).collect())
    }

    /// The answer to a form, or in words why there is none.
    fn ask(&self, form: &[(&str, &str)], deadline: Deadline) -> Result<Vec<u8>, String> {
        let mut answer = self.post(form, deadline)?;
        // It fails on a file that carbon is about to make, and finds it whole a moment later.
        if answer.status().is_server_error() {
            thread::sleep(A_MOMENT);
            answer = self.post(form, deadline)?;
        }
        if !answer.status().is_success() {
            return Err(refusal(&answer));
        }
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER);
        body.read_to_vec().map_err(|it| failure(&it))
    }

    fn post(&self, form: &[(&str, &str)], deadline: Deadline) -> Result<Response<Body>, String> {
        let left = deadline.left().ok_or("no time is left")?;
        let request = self.agent.post(format!("{}/render", self.web.url));
        // Delivery wants its time as well.
        let request = request.config().timeout_global(Some(left / 2)).build();
        let answer = request.send_form(form.iter().copied());
        answer.map_err(|it| failure(&it))
    }
}

/// Why there is no answer.
fn failure(error: &ureq::Error) -> String {
    match (error, http::tls_error(error)) {
        (_, Some(TlsError::InvalidCertificate(bad))) => http::about_certificate(bad),
        (_, Some(TlsError::InvalidMessage(_))) => "it does not speak TLS; try http://".to_owned(),
        (ureq::Error::Timeout(_), _) => "it did not answer in time".to_owned(),
        (ureq::Error::Io(error), _) => one_line(&error.to_string()),
        _ => one_line(&chain(error)),
    }
}

/// Why an answer is none.
fn refusal(answer: &Response<Body>) -> String {
    let to = answer.headers().get("location");
    match to.and_then(|it| it.to_str().ok()) {
        Some(to) => format!("it redirects to {}, which is not followed", one_line(to)),
        None => format!("it answers with status {}", answer.status().as_u16()),
    }
}

/// A line that was sent.
#[derive(Debug)]
struct Sent<'a> {
    /// Where it stands among the others.
    number: usize,
    line: Line<'a>,
    /// Its path, as [`canonical`] writes it.
    path: String,
}

impl<'a> Sent<'a> {
    fn new(number: usize, line: Line<'a>) -> Self {
        let path = canonical(line.path);
        Sent { number, line, path }
    }
}

/// A path as carbon files it, whatever the order of its tags was.
fn canonical(path: &str) -> String {
    let mut parts: Vec<&str> = path.split(';').collect();
    if let [_name, tags @ ..] = parts.as_mut_slice() {
        tags.sort_by_key(|tag| tag.split('=').next());
    }
    parts.join(";")
}

/// A point, as far as there is a number: time and value.
type Point = (u64, Option<f64>);

fn one_series(series: &Json) -> Option<(String, Vec<Point>)> {
    let points = series.get("datapoints")?.as_array()?.iter();
    let points = points.filter_map(|point| Some((point.get(1)?.as_u64()?, point.get(0)?.as_f64())));
    let path = canonical(series.get("target")?.as_str()?);
    Some((path, points.collect()))
}

/// Whether the slot of the line holds its number, or, where a slot is wider than a minute, any:
/// a later one has taken its place then.
fn is_shown(sent: &Sent, shown: &HashMap<String, Vec<Point>>) -> bool {
    let Some(points) = shown.get(&sent.path) else {
        return false;
    };
    let line = &sent.line;
    let step = match points.as_slice() {
        [(first, _), (second, _), ..] => second.saturating_sub(*first).max(1),
        _ => USUAL_STEP,
    };
    let holds = |(at, _): &&Point| (*at..at.saturating_add(step)).contains(&line.time);
    let stored = points.iter().find(holds).and_then(|(_, value)| *value);
    stored.is_some_and(|stored| {
        step > USUAL_STEP || (stored - line.value).abs() <= NEAR * line.value.abs().max(1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(line: &str) -> Sent<'_> {
        Sent::new(0, Line::of(line).expect("a line"))
    }

    #[test]
    fn a_line_is_shown_where_its_slot_holds_it() {
        let shown = |json: &str| {
            let json: Json = serde_json::from_str(json).expect("JSON");
            let series = json.as_array().expect("a list").iter();
            series.filter_map(one_series).collect::<HashMap<_, _>>()
        };
        let minutes = shown(
            r#"[{"target":"a.b","datapoints":[[null,60],[7,120],[8.5,180]]},{"target":"big","datapoints":[[5000000000,120]]},{"target":"c","datapoints":[]}]"#,
        );
        let cases = [
            ("a.b 7 130\n", true),
            ("a.b 7.0000000001 130\n", true),
            ("a.b 9 130\n", false),
            ("big 5000000001 130\n", true),
            ("big 5000000009 130\n", false),
            ("a.b 7 70\n", false),
            ("a.b 7 240\n", false),
            ("c 7 130\n", false),
            ("d 7 130\n", false),
        ];
        let is_shown = |line: &str, shown: &HashMap<_, _>| super::is_shown(&sent(line), shown);
        for (line, expected) in cases {
            assert_eq!(is_shown(line, &minutes), expected, "{line}");
        }
        let wide = shown(r#"[{"target":"a","datapoints":[[1,0],[2,300],[null,600]]}]"#);
        assert!(is_shown("a 9 310\n", &wide));
        assert!(!is_shown("a 9 610\n", &wide));
    }

    #[test]
    fn the_order_of_tags_makes_no_other_path() {
        assert_eq!(canonical("a.b"), "a.b");
        assert_eq!(canonical("a;c=1;b-b=2;b=3"), "a;b=3;b-b=2;c=1");
        let line = sent("a;c=1;b=2 7 130\n");
        let json = r#"{"target":"a;b=2;c=1","datapoints":[[7,120]]}"#;
        let series = one_series(&serde_json::from_str(json).expect("JSON"));
        assert!(is_shown(&line, &series.into_iter().collect()));
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
