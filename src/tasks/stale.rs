//! What a run for Prometheus leaves when it cannot even begin.

use crate::api::Address;
use crate::base::files;
use crate::cli::Settings;
use crate::deliver::{Destination, Output};
use crate::encode::{Batch, Form, Format};
use crate::sections::exec;
use crate::state::credentials::DEFAULT_ENDPOINT;
use crate::tasks::times::Times;

/// How the sample begins that says whether a run could use the box.
const UP: &str = "freebox_exec_up{box=\"";

/// Whoever reads a file of Prometheus' takes what is in it for what is so now. Nothing of it is, and
/// that the box could not be used stands in the same series as before.
pub(super) fn nothing_stale(settings: &Settings, times: &Times) {
    let Destination::Output(output @ Output::File(path)) = &settings.destination else {
        return;
    };
    // What is no regular file keeps nothing, and reading a pipe would mean to wait.
    if settings.format != Format::Prometheus || settings.dry_run || !path.is_file() {
        return;
    }
    let before = files::read(path, times.end).unwrap_or_default();
    let name = name_in(&String::from_utf8_lossy(&before));
    let place = settings.target.endpoint.as_ref().map(Address::place);
    let name = name.or_else(|| settings.target.name.clone()).or(place);
    let name = name.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
    let labels = vec![("name", name)];
    let failed = [exec::failed(times.timestamp)];
    let mut encoder = Form::Prometheus.encoder(&labels);
    encoder.add(Batch {
        time: times.timestamp,
        samples: &failed,
    });
    let written = output.write_for_all(&encoder.finish().text, times.end);
    // Where that file is the trouble, the run has said so.
    let _ = written.inspect_err(|error| log::debug!("{error}"));
}

/// What the box is called in a file of an earlier run.
fn name_in(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let behind = lines.find_map(|line| line.strip_prefix(UP))?;
    let (name, _) = behind.split_once('"')?;
    (!name.contains('\\')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_is_called_what_it_was_called() {
        let cases = [
            ("", None),
            ("freebox_exec_up 1\n", None),
            (
                "# TYPE x gauge\nfreebox_exec_up{box=\"ultra\"} 1\n",
                Some("ultra"),
            ),
            ("freebox_exec_up{box=\"a\\\"b\"} 1\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(name_in(text).as_deref(), expected, "{text}");
        }
    }
}
