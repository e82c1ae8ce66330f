//! The integration tests: the real program, a simulated Freebox, the real carbon.
//!
//! A module holds the cases of one subject; `support` has the tools. A case that needs something
//! which is not to be had on this machine is reported as ignored, and the reason is printed first.

// Falling over is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../simulated_freebox/mod.rs"]
mod simulated_freebox;

mod absent;
mod appliance;
mod archive;
mod arguments;
mod backfill;
mod box_faults;
mod check;
mod commands;
mod coverage;
mod dashboards;
mod delivery;
mod demo;
mod disk;
mod docker;
mod every;
mod files;
mod history;
mod hour;
mod influxdb;
mod left_out;
mod limits;
mod migrating;
mod other_dashboards;
mod package;
mod pages;
mod parallel;
mod prometheus;
mod read_back;
mod record;
mod recordings;
mod registration;
mod repeat;
mod rooms;
mod secrets;
mod session;
mod shells;
mod spool;
mod support;
mod telegraf;
mod templates;
mod tls;
mod turns;
mod versions;
mod whole_way;

use std::process::ExitCode;
use std::thread::{self, ScopedJoinHandle};

use libtest_mimic::{Arguments, Trial};

use support::{
    catalogue, day, engine, graphite, kept, monitor, overlay, random, receiver, rehearsal, script,
    service, until, web,
};

/// A list of trials for functions: their names are the names of the cases.
#[macro_export]
macro_rules! trials {
    ($($case:ident),+ $(,)?) => {
        vec![$({
            let name = concat!(module_path!(), "::", stringify!($case));
            let name = name.strip_prefix("it::").unwrap_or(name);
            libtest_mimic::Trial::test(name, || { $case(); Ok(()) })
        }),+]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most cases wait for something most of the time.
    let cores = thread::available_parallelism().map_or(2, usize::from);
    arguments.test_threads.get_or_insert(2 * cores);
    // What has to be made or installed first is so at the same time.
    let (archive, engine, mut trials) = thread::scope(|scope| {
        let archive = scope.spawn(|| archive_if_wanted(&arguments));
        let engine = scope.spawn(|| docker_if_wanted(&arguments));
        // Those that take long come first, and the many short ones beside them.
        let trials = with_real_parts(&arguments);
        let made = |it: ScopedJoinHandle<'_, _>| it.join().expect("it can be tried");
        (made(archive), made(engine), trials)
    });
    trials.extend(absent::trials());
    trials.extend(appliance::trials());
    trials.extend(appliance::refusals::trials());
    trials.extend(appliance::bytes::trials());
    trials.extend(appliance::theirs::trials());
    trials.extend(appliance::upgrade::trials());
    trials.extend(arguments::trials());
    trials.extend(box_faults::trials());
    trials.extend(check::trials());
    trials.extend(commands::trials());
    trials.extend(leave_out(
        overlay::is_there(),
        commands::trials_without_a_network(),
    ));
    trials.extend(leave_out(
        commands::can_be_typed(),
        commands::trials_of_pages(),
    ));
    trials.extend(dashboards::trials());
    trials.extend(leave_out(
        dashboards::python(),
        dashboards::trials_with_python(),
    ));
    trials.extend(delivery::trials());
    trials.extend(every::trials());
    trials.extend(left_out::trials());
    trials.extend(files::trials());
    trials.extend(migrating::trials());
    trials.extend(pages::trials());
    trials.extend(parallel::trials());
    trials.extend(prometheus::trials_alone());
    trials.extend(read_back::trials());
    trials.extend(record::trials());
    trials.extend(recordings::trials());
    trials.extend(registration::trials());
    trials.extend(repeat::trials());
    trials.extend(rooms::trials());
    trials.extend(secrets::trials());
    trials.extend(session::trials());
    trials.extend(spool::trials());
    trials.extend(templates::trials());
    trials.extend(tls::trials());
    trials.extend(turns::trials());
    trials.extend(leave_out(limits::tools(), limits::trials()));
    for (shell, of_shell) in shells::trials() {
        trials.extend(leave_out(shell, of_shell));
    }
    trials.extend(versions::trials());
    trials.extend(leave_out(every::hosts(), every::trials_with_hosts()));
    trials.extend(leave_out(disk::strace(), disk::trials_with_strace()));
    trials.extend(leave_out(disk::mounts(), disk::trials_with_mounts()));
    let clock = hour::faketime().map(drop);
    trials.extend(leave_out(clock, check::trials_with_faketime()));
    trials.extend(leave_out(
        appliance::live::cron_is_there(),
        appliance::live::trials_with_cron(),
    ));
    trials.extend(leave_out(overlay::is_there(), appliance::live::trials()));
    trials.extend(leave_out(influxdb::is_there(), influxdb::trials()));
    trials.extend(leave_out(influxdb::is_there(), telegraf::trials()));
    trials.extend(leave_out(prometheus::are_there(), prometheus::trials()));
    trials.extend(other_dashboards::trials());
    trials.extend(leave_out(
        influxdb::is_there().and(prometheus::are_there()),
        other_dashboards::trials_with_servers(),
    ));
    trials.extend(leave_out(archive.clone(), archive::trials()));
    trials.extend(leave_out(
        archive.and_then(|()| package::is_there()),
        package::trials(),
    ));
    trials.extend(docker::trials());
    trials.extend(leave_out(engine.clone(), docker::trials_with_engine()));
    trials.extend(leave_out(
        engine.and_then(|()| docker::toml()),
        docker::trials_with_toml(),
    ));
    trials.extend(leave_out(docker::compose(), docker::trials_with_compose()));
    let conclusion = libtest_mimic::run(&arguments, trials);
    docker::clean_up();
    conclusion.exit_code()
}

/// Making images takes a while, too.
fn docker_if_wanted(arguments: &Arguments) -> Result<(), String> {
    match !arguments.list && wants(arguments, "docker::") {
        true => docker::is_there(),
        false => Ok(()),
    }
}

/// Making a tree of another Debian takes a while: not for a list, nor for one other case.
fn archive_if_wanted(arguments: &Arguments) -> Result<(), String> {
    let modules = ["archive::", "package::"];
    match !arguments.list && modules.iter().any(|it| wants(arguments, it)) {
        true => archive::is_there(),
        false => Ok(()),
    }
}

/// The cases with the real carbon and the real nc; left out where those cannot be had.
fn with_real_parts(arguments: &Arguments) -> Vec<Trial> {
    // Listing and looking for one other case shall not wait for an installation.
    let modules = [
        "appliance::",
        "backfill::",
        "coverage::",
        "dashboards::",
        "demo::",
        "history::",
        "hour::",
        "whole_way::",
    ];
    let wanted = !arguments.list && modules.iter().any(|it| wants(arguments, it));
    let carbon = match wanted {
        true => whole_way::carbon_is_there(),
        false => Ok(()),
    };
    let web = match wanted && carbon.is_ok() {
        true => whole_way::web_is_there(),
        false => carbon.clone(),
    };
    let clock = hour::faketime().map(drop);
    let nc = match graphite::nc() {
        Some(_) => Ok(()),
        None => Err("there is no nc of OpenBSD on this machine".to_owned()),
    };
    let mut trials = leave_out(carbon.clone(), whole_way::trials());
    trials.extend(leave_out(carbon.clone(), appliance::carbon::trials()));
    trials.extend(leave_out(
        carbon.clone().and_then(|()| overlay::is_there()),
        appliance::live::trials_with_whisper(),
    ));
    trials.extend(leave_out(
        carbon.clone().and(nc),
        whole_way::trials_with_nc(),
    ));
    trials.extend(leave_out(carbon.clone().and(clock.clone()), hour::trials()));
    trials.extend(leave_out(
        carbon.clone().and(clock.clone()),
        history::trials(),
    ));
    trials.extend(leave_out(
        carbon.clone().and(clock.clone()),
        backfill::trials(),
    ));
    trials.extend(leave_out(clock.clone(), coverage::trials()));
    trials.extend(leave_out(
        clock.clone().and(disk::mounts()),
        coverage::trials_with_mounts(),
    ));
    trials.extend(leave_out(
        carbon.clone().and(web.clone()),
        dashboards::trials_with_web(),
    ));
    trials.extend(leave_out(carbon.clone().and(web.clone()), demo::trials()));
    let clock_and_web = carbon.and(web).and(clock);
    trials.extend(leave_out(clock_and_web.clone(), hour::trials_with_web()));
    trials.extend(leave_out(clock_and_web, history::trials_with_web()));
    trials
}

/// Whether cases of a module may run: what names no module may be of any.
fn wants(arguments: &Arguments, prefix: &str) -> bool {
    arguments.filter.as_ref().is_none_or(|filter| {
        filter.contains(prefix) || prefix.contains(filter) || !filter.contains("::")
    })
}

fn leave_out(there: Result<(), String>, trials: Vec<Trial>) -> Vec<Trial> {
    let Err(reason) = there else { return trials };
    let out = |trial: Trial| {
        eprintln!("left out: {}: {reason}", trial.name());
        trial.with_ignored_flag(true)
    };
    trials.into_iter().map(out).collect()
}
