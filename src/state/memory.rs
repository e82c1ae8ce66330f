//! What is remembered of a box from run to run: the paths that have brought numbers, and what was
//! said already. Without it, what a model lacks and what is broken look alike.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::folder::StateFolder;
use crate::base::error::Error;

const FILE: &str = "memory.json";

/// By section, the paths that have answered, and whether they have brought numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Brought(BTreeMap<String, BTreeMap<String, bool>>);

impl Brought {
    /// Whether a path has ever brought this section numbers; `None` if it has never answered.
    pub(crate) fn of(&self, section: &str, path: &str) -> Option<bool> {
        self.0.get(section)?.get(path).copied()
    }

    /// Notes what became of an answer. What has brought numbers once has done so for good.
    pub(crate) fn note(&mut self, section: &str, path: &str, numbers: bool) {
        let paths = self.0.entry(section.to_owned()).or_default();
        *paths.entry(path.to_owned()).or_default() |= numbers;
    }

    fn merge(&mut self, other: &Brought) {
        for (section, paths) in &other.0 {
            for (path, numbers) in paths {
                self.note(section, path, *numbers);
            }
        }
    }
}

/// Which box, and which version of its API, something is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// Which box.
    pub(crate) uid: Option<String>,
    /// The major version of its API, whichever is spoken.
    pub(crate) api_major: Option<u32>,
}

/// What is remembered of a box.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    #[serde(default)]
    about: About,
    #[serde(default)]
    brought: Brought,
    #[serde(default)]
    told: BTreeSet<String>,
    #[serde(default)]
    board: Option<String>,
}

/// What one run adds to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lesson {
    /// What it is about.
    pub(crate) about: About,
    /// What was found out of paths.
    pub(crate) brought: Brought,
    /// The sections that were asked for, each with whether it wants a permission, which was said.
    pub(crate) told: Vec<(&'static str, bool)>,
    /// The board of the box, if it was told.
    pub(crate) board: Option<String>,
}

impl Memory {
    /// Which paths have brought numbers, if that was this version of this box.
    pub(crate) fn brought(&self, about: &About) -> Option<&Brought> {
        (self.about == *about).then_some(&self.brought)
    }

    /// The sections of which it was said that they want a permission.
    pub(crate) fn told(&self) -> &BTreeSet<String> {
        &self.told
    }

    /// The board of the box: what lines for InfluxDB are told apart by, also in a run in which the
    /// box does not tell it.
    pub(crate) fn board(&self) -> Option<&str> {
        self.board.as_deref()
    }

    /// Adds what a run has found out. Another version of the API may not have what the one before
    /// had, and another box nothing of it.
    pub(crate) fn learn(&mut self, lesson: &Lesson) {
        if self.about.uid != lesson.about.uid {
            self.told.clear();
            self.board = None;
        }
        if lesson.board.is_some() {
            self.board.clone_from(&lesson.board);
        }
        if self.about != lesson.about {
            self.about = lesson.about.clone();
            self.brought = Brought::default();
        }
        self.brought.merge(&lesson.brought);
        for (section, is_told) in &lesson.told {
            match is_told {
                true => drop(self.told.insert((*section).to_owned())),
                false => drop(self.told.remove(*section)),
            }
        }
    }
}

impl StateFolder {
    /// What earlier runs have found out.
    pub(crate) fn memory(&self) -> Memory {
        self.read(FILE)
    }

    /// Leaves what a run has found out for those to come.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub(crate) fn remember(&self, lesson: &Lesson) -> Result<(), Error> {
        self.update(FILE, |memory: &mut Memory| memory.learn(lesson))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(api_major: u32, path: &str, told: &[(&'static str, bool)]) -> Lesson {
        let mut brought = Brought::default();
        brought.note("lan", path, true);
        Lesson {
            about: About {
                uid: Some("x".to_owned()),
                api_major: Some(api_major),
            },
            brought,
            told: told.to_vec(),
            board: None,
        }
    }

    #[test]
    fn what_runs_find_out_adds_up_until_the_version_changes() {
        let mut memory = Memory::default();
        let of = |memory: &Memory, api_major, path| {
            let about = lesson(api_major, "", &[]).about;
            memory.brought(&about).and_then(|it| it.of("lan", path))
        };
        memory.learn(&lesson(10, "a", &[("vm", true), ("lan", false)]));
        memory.learn(&lesson(10, "b", &[("call", true)]));
        assert_eq!(of(&memory, 10, "a"), Some(true));
        assert_eq!(of(&memory, 10, "b"), Some(true));
        assert_eq!(of(&memory, 10, "c"), None);
        assert_eq!(of(&memory, 14, "a"), None);
        memory.learn(&lesson(14, "c", &[("call", false)]));
        assert_eq!(of(&memory, 10, "a"), None);
        assert_eq!(of(&memory, 14, "c"), Some(true));
        let told: Vec<&String> = memory.told().iter().collect();
        assert_eq!(told, ["vm"]);
    }

    #[test]
    fn a_path_that_has_brought_numbers_once_has_done_so_for_good() {
        let mut brought = Brought::default();
        for (numbers, expected) in [(false, false), (true, true), (false, true)] {
            brought.note("lan", "a", numbers);
            assert_eq!(brought.of("lan", "a"), Some(expected));
        }
    }
}
