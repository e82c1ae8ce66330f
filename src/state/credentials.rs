//! The boxes that granted access: where the file is, its two forms, and which box a run is about.
//!
//! The own form is JSON, one entry a box. The INI form of freebox_monitor.py is read as it is and
//! never written.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use directories::BaseDirs;
use serde::{Deserialize, Serialize};

pub(crate) use super::granted::{DEFAULT_ENDPOINT, Granted};
use super::ini;
use crate::api::Address;
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit, one_line};
use crate::base::files;

const SYSTEM_FILE: &str = "/etc/freebox-monitor/credentials.json";
/// The file of freebox_monitor.py, which stands beside it.
const PYTHON_FILE: &str = ".credentials";

/// The name of a file that is written to see whether one can be.
const TRIAL: &str = ".freebox-monitor-trial-";
/// More than one box takes in the file, in bytes.
const ROOM: usize = 4096;

/// A credentials file.
#[derive(Debug)]
pub(crate) struct Credentials {
    path: PathBuf,
    form: Form,
    boxes: Vec<Granted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Ini,
}

/// Who should not have the file. A group may read it: that of a service, such as Telegraf's.
const OTHERS: u32 = 0o027;

#[derive(Default, Serialize, Deserialize)]
struct JsonFile {
    boxes: Vec<Granted>,
}

impl Credentials {
    /// Reads the file that `--config` names, or else the first of the usual ones that exists.
    ///
    /// # Errors
    /// When it cannot be read or understood, or when there is none.
    pub(crate) fn load(config: Option<&Path>, deadline: Deadline) -> Result<Self, Error> {
        let path = match config {
            Some(path) => path.to_owned(),
            None => usual_files()
                .into_iter()
                .find(|path| files::is_there(path))
                .ok_or_else(none_there)?,
        };
        Credentials::read(path.clone(), deadline).map_err(|error| match files::is_missing(&path) {
            true => Error::misuse(format!(
                "{error}; freebox-monitor --register --config {} makes it",
                path.display()
            )),
            false => error,
        })
    }

    /// The same for adding a box to it: a file that does not exist yet is an empty one.
    ///
    /// # Errors
    /// When it exists and cannot be read or understood.
    pub(crate) fn load_or_new(config: Option<&Path>, deadline: Deadline) -> Result<Self, Error> {
        let path = match config {
            Some(path) => path.to_owned(),
            None => {
                let files = usual_files();
                let existing = files.iter().find(|path| files::is_there(path));
                existing.or(files.first()).cloned().ok_or_else(none_there)?
            }
        };
        match files::is_there(&path) && !files::leads_nowhere(&path) {
            true => Credentials::read(path, deadline),
            false => Ok(Credentials::new(path)),
        }
    }

    fn new(path: PathBuf) -> Self {
        Credentials {
            path,
            form: Form::Json,
            boxes: Vec::new(),
        }
    }

    /// The file that a box can be added to: this one, or where it is freebox_monitor.py's own,
    /// which that script has to understand, a new one with the same boxes, unless the user has
    /// named that one.
    ///
    /// # Errors
    /// When the user has named it.
    pub(crate) fn opened_for_adding(self, config: Option<&Path>) -> Result<Self, Error> {
        let own = usual_files()
            .into_iter()
            .next()
            .filter(|_| config.is_none());
        match (self.form, own) {
            (Form::Json, _) => Ok(self),
            (Form::Ini, Some(path)) => Ok(Credentials {
                boxes: self.boxes,
                ..Credentials::new(path)
            }),
            (Form::Ini, None) => Err(Error::misuse(format!(
                "{}: this is freebox_monitor.py's own file and stays as it is; \
                 name another one with --config",
                self.path.display()
            ))),
        }
    }

    fn read(path: PathBuf, deadline: Deadline) -> Result<Self, Error> {
        let content = files::read(&path, deadline)?;
        let text = String::from_utf8_lossy(&content);
        let text = text.trim_start_matches('\u{feff}');
        let (form, boxes) = match text.trim_start().chars().next() {
            None => (Form::Json, Ok(Vec::new())),
            Some('{') => (Form::Json, from_json(text)),
            Some(_) => (Form::Ini, ini::read(text)),
        };
        let boxes = boxes
            .map_err(|why| Error::misuse(format!("{}: no credentials: {why}", path.display())))?;
        if files::is_open_to(&path, OTHERS) {
            log::warn!(
                "{}: others can read it and with it the box; chmod 600 mends that",
                path.display()
            );
        }
        Ok(Credentials { path, form, boxes })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The box that a run is about: the one with this endpoint or name, or the only one.
    ///
    /// # Errors
    /// When several are left, or none.
    pub(crate) fn pick(
        &self,
        endpoint: Option<&Address>,
        name: Option<&str>,
    ) -> Result<&Granted, Error> {
        if let [only] = self.boxes.as_slice() {
            return Ok(only);
        }
        let is_called = |granted: &&Granted| name.is_some_and(|name| granted.is_called(name));
        if let Some(named) = self.boxes.iter().rfind(is_called) {
            // It may have moved to another endpoint.
            return Ok(named);
        }
        let is_there = |granted: &&Granted| {
            let address = granted.label_address();
            endpoint.is_none_or(|wanted| address.is_some_and(|it| it.is_same_place(wanted)))
        };
        let fitting: Vec<&Granted> = self.boxes.iter().filter(is_there).collect();
        let is_like = |one: &Granted, other: &Granted| {
            one.is_beside(other) && one.chosen_name() == other.chosen_name()
        };
        let in_one_place = fitting.windows(2).all(|two| is_like(two[0], two[1]));
        match fitting.last() {
            // A box that was replaced by another one: the last that was registered is there now.
            Some(last) if in_one_place && (endpoint.is_some() || name.is_none()) => Ok(last),
            _ => Err(self.cannot_pick(if name.is_some() { 0 } else { fitting.len() })),
        }
    }

    fn cannot_pick(&self, fitting: usize) -> Error {
        let path = self.path.display();
        if self.boxes.is_empty() {
            return Error::new(Exit::Refused, format!("{path}: no box is registered in it"));
        }
        let (exit, mut words) = match fitting {
            0 => (
                Exit::Refused,
                format!("{path}: no such box is registered; there is"),
            ),
            _ => (
                Exit::Misuse,
                format!("{path}: several boxes; pick one with --name or --endpoint:"),
            ),
        };
        for (number, granted) in self.boxes.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            let (label, endpoint) = (one_line(granted.label()), one_line(granted.place()));
            let _ = match label == endpoint {
                true => write!(words, "{comma} {label}"),
                false => write!(words, "{comma} {label} ({endpoint})"),
            };
        }
        Error::new(exit, words)
    }

    /// The access to the box with this uid. One whose box is not known is the one if it was for the
    /// same endpoint, or if it is all there is and was for none in particular.
    pub(crate) fn of_box(&self, uid: Option<&str>, endpoint: &Address) -> Option<&Granted> {
        let same = |granted: &&Granted| match (&granted.uid, uid) {
            (Some(known), Some(uid)) => known == uid,
            _ if granted.endpoint.is_none() && self.boxes.len() == 1 => true,
            _ => granted
                .label_address()
                .is_some_and(|it| it.is_same_place(endpoint)),
        };
        self.boxes.iter().find(same)
    }

    /// The box in the file, if it is the only one: who names no other means that one.
    pub(crate) fn only_box(&self) -> Option<&Granted> {
        match self.boxes.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The boxes in the file.
    pub(crate) fn boxes(&self) -> &[Granted] {
        &self.boxes
    }

    /// The boxes that stay when this one is stored.
    pub(crate) fn others<'a>(
        &'a self,
        granted: &'a Granted,
        instead_of: Option<&'a Granted>,
    ) -> impl Iterator<Item = &'a Granted> {
        let stays = move |known: &&Granted| {
            let is_same = match (&known.uid, &granted.uid) {
                (Some(known), Some(uid)) => known == uid,
                _ => known.is_beside(granted),
            };
            !is_same && Some(*known) != instead_of
        };
        self.boxes.iter().filter(stays)
    }

    /// Makes sure, as far as that can be known, that the file can be written: before somebody walks
    /// to the box for what would then be lost.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn must_be_writable(&self) -> Result<(), Error> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let own = rustix::process::geteuid().as_raw();
        let owner = fs::metadata(&path).ok().map(|it| it.uid());
        if owner.is_some_and(|owner| owner != own) {
            return Err(Error::misuse(format!(
                "{}: the file is somebody else's; register as that user, or name another file with \
                 --config",
                self.path.display()
            )));
        }
        files::must_be_writable(&self.path)?;
        // As much as the file will have is written once, for a disk that is full.
        let trial = path.with_file_name(format!("{TRIAL}{}", std::process::id()));
        let room = vec![b'\n'; ROOM * (self.boxes.len() + 1)];
        let written = files::write_private(&trial, &room);
        let _ = fs::remove_file(&trial);
        written
    }

    /// Adds a box, or replaces what was known of it, and writes the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn store(
        &mut self,
        granted: &Granted,
        instead_of: Option<&Granted>,
    ) -> Result<(), Error> {
        let others = self.others(granted, instead_of).cloned();
        self.boxes = others.chain([granted.clone()]).collect();
        let file = JsonFile {
            boxes: self.boxes.clone(),
        };
        let mut content = serde_json::to_vec_pretty(&file).map_err(|error| {
            Error::misuse("cannot put the credentials into words".to_owned()).because(error)
        })?;
        content.push(b'\n');
        files::write_private(&self.path, &content)
    }
}

fn none_there() -> Error {
    let files: Vec<String> = usual_files()
        .iter()
        .map(|it| files::not_there(it))
        .collect();
    Error::new(
        Exit::Refused,
        format!(
            "no box is registered ({}): run freebox-monitor --register, or name the file with --config",
            files.join(", ")
        ),
    )
}

fn usual_files() -> Vec<PathBuf> {
    let user = BaseDirs::new().map(|it| it.config_dir().join("freebox-monitor/credentials.json"));
    let program = env::current_exe().ok();
    let beside_the_program = program.map(|it| it.with_file_name(PYTHON_FILE));
    user.into_iter()
        .chain([PathBuf::from(SYSTEM_FILE)])
        .chain(beside_the_program)
        .collect()
}

fn from_json(text: &str) -> Result<Vec<Granted>, String> {
    let file: JsonFile = serde_json::from_str(text).map_err(|error| secretless(&error))?;
    match file
        .boxes
        .iter()
        .find(|granted| !granted.app_token.is_token())
    {
        Some(granted) => Err(format!(
            "the app_token of {} is no token",
            one_line(granted.label())
        )),
        None => Ok(file.boxes),
    }
}

/// serde's words quote the text they stumble over, which may be a token.
fn secretless(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it is cut short",
        serde_json::error::Category::Syntax => "it is not JSON",
        _ => "\"boxes\" with app_id and app_token are missing or of another type",
    };
    format!("line {}, column {}: {what}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;

    fn granted(name: &str, uid: &str, endpoint: &str) -> Granted {
        Granted {
            app_id: "x".to_owned(),
            app_token: Secret::new("token"),
            track_id: 1,
            uid: Some(uid.to_owned()),
            endpoint: Some(endpoint.to_owned()),
            api_url: None,
            name: Some(name.to_owned()),
            https: true,
        }
    }

    fn file(boxes: Vec<Granted>) -> Credentials {
        Credentials {
            path: PathBuf::from("file"),
            form: Form::Json,
            boxes,
        }
    }

    #[test]
    fn what_is_not_understood_is_not_quoted() {
        let text = r#"{"boxes":[{"app_id":"x","app_token":"S3cret"#;
        let error = from_json(text).expect_err("cut short");
        assert_eq!(error, "line 1, column 43: it is cut short");
        let error = from_json(r#"{"boxes":"S3cret"}"#).expect_err("another type");
        assert!(!error.contains("S3cret"), "{error}");
    }

    #[test]
    fn a_box_is_picked_by_name_or_endpoint_or_because_it_is_alone() {
        let home = granted("home", "1", "mafreebox.freebox.fr");
        let away = granted("away", "2", "away.example:8443");
        let both = file(vec![home.clone(), away.clone()]);
        let address = |text: &str| text.parse::<Address>().expect("an address");
        assert_eq!(both.pick(None, Some("away")).expect("by name"), &away);
        let picked = both.pick(Some(&address("mafreebox.freebox.fr")), Some("new name"));
        assert_eq!(picked.expect("by endpoint"), &home);
        assert!(both.pick(None, None).is_err());
        assert!(both.pick(None, Some("nowhere")).is_err());
        let alone = file(vec![home.clone()]);
        let picked = alone.pick(Some(&address("192.168.1.254")), Some("any"));
        assert_eq!(picked.expect("the only one"), &home);
    }

    #[test]
    fn registering_a_second_box_keeps_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials.json");
        let mut credentials =
            Credentials::load_or_new(Some(&path), Deadline::of_run(None)).expect("a new file");
        credentials
            .store(&granted("home", "1", "a"), None)
            .expect("the first");
        credentials
            .store(&granted("away", "2", "b"), None)
            .expect("the second");
        credentials
            .store(&granted("home again", "1", "a"), None)
            .expect("the first anew");
        let names: Vec<_> = Credentials::load(Some(&path), Deadline::of_run(None))
            .expect("the file")
            .boxes;
        let names: Vec<_> = names.into_iter().filter_map(|it| it.name).collect();
        assert_eq!(names, ["away", "home again"]);
        assert!(!files::is_open_to(&path, 0o077));
    }
}
