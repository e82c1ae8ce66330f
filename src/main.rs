//! freebox-monitor asks a Freebox for its statistics and sends them to Graphite, once, from cron.
//!
//! The data flow one way: arguments, client, sections, samples, template, lines, delivery. A room
//! uses only rooms that stand further down in this list (`tests/it/rooms.rs` holds that):
//!
//! - `main` conducts: it calls the others in order, logs, and exits
//! - `tasks`: one file for each thing that the program can be asked to do
//! - `cli`: the arguments and what they mean
//! - `collect`: asks for what the sections want, side by side, and has them read it
//! - `sections`: one file for each part of what a box can tell, and `exec` for the run itself
//! - `encode`: samples to text, one file for each format
//! - `template`: metrics to paths
//! - `state`: the files that a run reads and leaves
//! - `deliver`: text to stdout, or by way of a spool to carbon
//! - `api`: one path in, one result out; it alone sends requests to the box
//! - `metrics`: what a metric is, and how it is read
//! - `base`: what everybody needs and what knows nobody

mod api;
mod base;
mod cli;
mod collect;
mod deliver;
mod encode;
mod metrics;
mod sections;
mod state;
mod tasks;
mod template;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use base::error::{Exit, one_line};
use cli::Request;

fn main() -> ExitCode {
    let request = cli::request(env::args_os().skip(1));
    start_log(matches!(&request, Ok(Request::Do(settings)) if settings.debug));
    let exit = request.and_then(|request| match request {
        Request::Print(text) => deliver::stdout::deliver(&text).map(|()| Exit::Done),
        Request::Do(settings) => tasks::perform(&settings),
    });
    let exit = exit.unwrap_or_else(|error| {
        log::error!("{error}");
        error.exit()
    });
    exit.into()
}

/// Words for people go to stderr, one line each. The libraries below stay silent at every level:
/// what they would say of headers and bodies is not theirs to tell.
fn start_log(debug: bool) {
    let mut builder = env_logger::Builder::new();
    let level = if debug {
        log::LevelFilter::Debug
    } else {
        log::LevelFilter::Warn
    };
    builder.filter_level(level);
    builder.parse_env("RUST_LOG");
    builder.format(|out, record| {
        if !record.target().starts_with(env!("CARGO_CRATE_NAME")) {
            return Ok(());
        }
        let level = match record.level() {
            log::Level::Error => "",
            log::Level::Warn => "warning: ",
            _ => "debug: ",
        };
        writeln!(
            out,
            "freebox-monitor: {level}{}",
            one_line(&record.args().to_string())
        )
    });
    builder.init();
}
