//! What a run says in the end: all of it, or with `--repeat-after` what has not been said lately.

use crate::base::clock;
use crate::base::error::{Error, Exit};
use crate::base::words::{self, BOX, Heard, Held, THE_REST, about};
use crate::cli::{Settings, Task};
use crate::state::folder::folder;
use crate::state::said::{End, Said, SaidFile, Scope};
use crate::tasks::times::how_long;

/// The longest that a trouble can have lasted, in seconds: more is between two clocks.
const LONGEST: u64 = 5 * 365 * 24 * 3600;

/// Speaks for the runs of one process.
#[derive(Debug)]
pub(crate) struct Speaker<'a> {
    settings: &'a Settings,
    /// What was said, as far as this process knows; others may have left more in the file.
    said: Said,
}

impl<'a> Speaker<'a> {
    /// Speaks for runs with these settings.
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Speaker {
            settings,
            said: Said::default(),
        }
    }

    /// Runs, and says what there is to be said of it.
    pub(crate) fn told(&mut self, run: impl FnOnce() -> Result<Exit, Error>) -> Exit {
        let is_for_cron =
            matches!(self.settings.task, Task::Collect | Task::Replay(_)) && !self.settings.dry_run;
        let Some(after) = self.settings.repeat_after.filter(|_| is_for_cron) else {
            return tell(run());
        };
        words::hold();
        let exit = tell(run());
        self.pass_on(&words::release(), after.as_secs());
        exit
    }

    fn pass_on(&mut self, held: &Held, after: u64) {
        if held.heard.is_empty() && held.looked_at.is_empty() {
            return;
        }
        let now = clock::now();
        let file = SaidFile::open(&folder());
        let before = file.as_ref().map(SaidFile::load);
        if let Some(before) = &before {
            self.said = before.clone();
        }
        self.speak(held, now, after);
        // Whoever is killed in between says it once more.
        let is_noted =
            before.as_ref() == Some(&self.said) || file.is_some_and(|file| file.keep(&self.said));
        if !is_noted && !held.heard.is_empty() {
            log::warn!(
                "--repeat-after: what was said cannot be noted in {} and will be said again",
                folder().display()
            );
        }
    }

    fn speak(&mut self, held: &Held, now: u64, after: u64) {
        let mut troubled = Vec::new();
        for heard in &held.heard {
            let scope = self.scope(heard);
            if self.said.is_new(&scope, &heard.words, now, after) {
                words::say(heard);
            }
            troubled.push(scope);
        }
        let looked_at = |name: &str| held.looked_at.iter().any(|it| it == name);
        let (the_box, command_line) = (self.the_box(), &self.settings.command_line);
        let has_been_well = |scope: &Scope| {
            let is_seen = scope.of == the_box && looked_at(&scope.name)
                || scope.of == *command_line && looked_at(THE_REST);
            is_seen && !troubled.contains(scope)
        };
        for end in self.said.ended(has_been_well, now, after) {
            words::say_good_news(&self.good_news(&end));
        }
        self.said.forget(now, after);
    }

    /// What has a name is the box's, and the same for all runs; the rest is of this line of a
    /// crontab only.
    fn scope(&self, heard: &Heard) -> Scope {
        match &heard.scope {
            Some(name) => Scope {
                of: self.the_box(),
                name: name.clone(),
                has_end: true,
            },
            None => Scope {
                of: self.settings.command_line.clone(),
                name: match heard.words.split_once(": ") {
                    Some((name, _)) => name.to_owned(),
                    None => heard.words.clone(),
                },
                has_end: heard.level == log::Level::Error,
            },
        }
    }

    /// The box as the arguments say it: a run that ends early knows no more. A recording is
    /// another one than the box that it is of.
    fn the_box(&self) -> String {
        let target = &self.settings.target;
        let endpoint = target.endpoint.as_ref().map(ToString::to_string);
        let config = self.settings.config.as_ref();
        let config = config.map(|it| it.display().to_string());
        let recording = match &self.settings.task {
            Task::Replay(path) => Some(path.display().to_string()),
            _ => None,
        };
        let known = [config, endpoint, target.name.clone(), recording];
        format!("box {}", known.map(Option::unwrap_or_default).join(" "))
    }

    fn good_news(&self, end: &End) -> String {
        let target = &self.settings.target;
        let endpoint = target.endpoint.as_ref().map(ToString::to_string);
        let name = match (&target.name, endpoint) {
            (Some(name), _) if end.scope.name == BOX => format!("{BOX} {name}"),
            (None, Some(endpoint)) if end.scope.name == BOX => format!("{BOX} {endpoint}"),
            _ => end.scope.name.clone(),
        };
        match end.lasted {
            ..=LONGEST => format!("{name}: all is well again after {}", how_long(end.lasted)),
            _ => format!("{name}: all is well again"),
        }
    }
}

/// Says what a run ended with.
fn tell(outcome: Result<Exit, Error>) -> Exit {
    outcome.unwrap_or_else(|error| {
        match error.exit() {
            Exit::Refused | Exit::Unreachable => log::error!(target: &about(BOX), "{error}"),
            _ => log::error!("{error}"),
        }
        error.ends_with()
    })
}
