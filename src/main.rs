//! freebox-monitor asks a Freebox for its statistics and hands them on as lines for Graphite: once,
//! as cron wants it, or again and again.
//!
//! The data flow one way: arguments, client, sections, samples, template, lines, delivery. A room
//! uses only rooms that stand further down in this list (`tests/it/rooms.rs` holds that):
//!
//! - `main` conducts: it calls the others in order, logs, and exits
//! - `tasks`: one file for each thing that the program can be asked to do
//! - `cli`: the arguments and what they mean
//! - `collect`: asks for what the sections want, side by side, and has them read it
//! - `history`: what the box remembers of what a run has missed
//! - `sections`: one file for each part of what a box can tell, and `exec` for the run itself
//! - `encode`: samples to text, one file for each format
//! - `template`: metrics to paths
//! - `state`: the files that a run reads and leaves
//! - `deliver`: text to stdout, into a file, or by way of a spool to carbon
//! - `api`: one path in, one result out; it alone sends requests to the box
//! - `metrics`: what a metric is, and how it is read
//! - `base`: what everybody needs and what knows nobody

mod api;
mod base;
mod cli;
mod collect;
mod deliver;
mod encode;
mod history;
mod metrics;
mod sections;
mod state;
mod tasks;
mod template;

use std::env;
use std::process::ExitCode;

use base::error::{Error, Exit};
use base::words;
use cli::Request;

fn main() -> ExitCode {
    base::fault::ends_the_program();
    base::limits::full_files_are_errors();
    let request = base::limits::must_suffice().and_then(|()| cli::request(env::args_os().skip(1)));
    words::start(matches!(&request, Ok(Request::Do(settings)) if settings.debug));
    let exit = match request {
        Ok(Request::Print(text)) => told(deliver::stdout::deliver(&text)),
        Ok(Request::Do(settings)) => tasks::perform(&settings),
        Err(error) => told(Err(error)),
    };
    exit.into()
}

fn told(outcome: Result<(), Error>) -> Exit {
    match outcome {
        Ok(()) => Exit::Done,
        Err(error) => {
            log::error!("{error}");
            error.ends_with()
        }
    }
}
