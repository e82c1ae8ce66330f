//! freebox-monitor asks a Freebox for its statistics and sends them to Graphite, once, from cron.
//!
//! The data flow one way: arguments, client, sections, samples, template, lines, delivery. A file
//! uses only files that stand further down in this list:
//!
//! - `main` conducts: it calls the others in order, logs, and exits
//! - `register`: asking for access, with a person at the box
//! - `check`: everything a run depends on, step by step
//! - `record`: the answers of the box in a file, with `pseudonym` for what is private in them
//! - `run`: one run, from the template to the delivery; `patch` mends a known fault of some boxes
//! - `every`: the beats of a process that stays
//! - `listing`: what `--list-metrics` and `--check-template` print
//! - `target`: which box, from arguments and credentials
//! - `cli`: the arguments and what they mean
//! - `collect`: asks for what the sections want, side by side, and has them read it
//! - `sections`: one file for each part of what a box can tell, and `exec` for the run itself
//! - `ask`: what a section wants to know, and what came of it
//! - `encode`: samples to lines
//! - `template`: metrics to paths
//! - `deliver`: lines to stdout, or by way of a spool to carbon
//! - `credentials`, `state`, `lock`: the files a run reads and leaves
//! - `api`: one path in, one result out; it alone sends requests
//! - `registry`, `sample`, `json`: what a metric is, and how it is read
//! - `files`, `net`, `stderr`, `deadline`, `secret`, `error`: what everybody needs

mod api;
mod ask;
mod check;
mod cli;
mod collect;
mod credentials;
mod deadline;
mod deliver;
mod encode;
mod error;
mod every;
mod files;
mod json;
mod listing;
mod lock;
mod net;
mod patch;
mod pseudonym;
mod record;
mod register;
mod registry;
mod run;
mod sample;
mod secret;
mod sections;
mod state;
mod stderr;
mod target;
mod template;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use cli::{Settings, Task};
use error::{Error, Exit, one_line};

fn main() -> ExitCode {
    let settings = cli::settings(env::args_os().skip(1));
    start_log(settings.as_ref().is_ok_and(|settings| settings.debug));
    let exit = match settings.and_then(|settings| perform(&settings)) {
        Ok(exit) => exit,
        Err(error) => {
            log::error!("{error}");
            error.exit()
        }
    };
    exit.into()
}

fn perform(settings: &Settings) -> Result<Exit, Error> {
    let text = match &settings.task {
        Task::Collect => return run::live(settings),
        Task::Replay(path) => return run::replay(settings, path),
        Task::Record { file, raw } => return record::record(settings, file, *raw),
        Task::Check => return check::check(settings),
        Task::Register { force } => {
            return register::register(settings, *force).map(|()| Exit::Done);
        }
        Task::RegisterStatus => register::status(settings)?,
        Task::PrintTemplate => run::template_text(settings)?.1,
        Task::CheckTemplate => listing::paths(&run::template(settings)?),
        Task::ListMetrics => listing::metrics(),
        Task::Print(text) => text.clone(),
    };
    deliver::stdout::deliver(&text).map(|()| Exit::Done)
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
