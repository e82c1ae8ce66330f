//! The boxes that granted access: where the file is, its two forms, and which box a run is about.
//!
//! The own form is JSON, one entry a box. The INI form of freebox_monitor.py is read as it is and
//! never written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use directories::BaseDirs;
use serde::{Deserialize, Serialize};

use crate::api::Address;
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit, one_line};
use crate::base::files;
use crate::base::secret::Secret;

/// How freebox_monitor.py is known to a box.
const PYTHON_APP_ID: &str = "fr.freebox.seximonitor";
/// Where a box is, unless something else is said.
pub(crate) const DEFAULT_ENDPOINT: &str = "mafreebox.freebox.fr";
const SYSTEM_FILE: &str = "/etc/freebox-monitor/credentials.json";

/// Access to one box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// How this program is known to that box.
    pub(crate) app_id: String,
    /// The token that was granted.
    pub(crate) app_token: Secret,
    /// The number of the request that was granted.
    #[serde(default)]
    pub(crate) track_id: i64,
    /// Which box it is; not known from the INI form.
    #[serde(default)]
    pub(crate) uid: Option<String>,
    /// Where it was then.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// The name its user gave it.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Whether it was registered over HTTPS, and must not be spoken to in the clear ever after.
    #[serde(default)]
    pub(crate) https: bool,
}

impl Granted {
    /// What a person calls it.
    pub(crate) fn label(&self) -> &str {
        let known = self.name.as_deref().or(self.endpoint.as_deref());
        known.unwrap_or(DEFAULT_ENDPOINT)
    }
}

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
        Credentials::read(path, deadline)
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
            false => Ok(Credentials {
                path,
                form: Form::Json,
                boxes: Vec::new(),
            }),
        }
    }

    fn read(path: PathBuf, deadline: Deadline) -> Result<Self, Error> {
        let content = files::read(&path, deadline)?;
        if files::is_open_to_others(&path) {
            log::warn!(
                "{}: others can read it and with it the box; chmod 600 mends that",
                path.display()
            );
        }
        let text = String::from_utf8_lossy(&content);
        let text = text.trim_start_matches('\u{feff}');
        let (form, boxes) = match text.trim_start().starts_with('{') {
            true => (Form::Json, from_json(text)),
            false => (Form::Ini, from_ini(text)),
        };
        let boxes = boxes
            .map_err(|why| Error::misuse(format!("{}: no credentials: {why}", path.display())))?;
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
        let place = |granted: &Granted| (granted.label_address(), granted.name.clone());
        let first = fitting.first().map(|granted| place(granted));
        let in_one_place = fitting.iter().all(|it| Some(place(it)) == first);
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
        let mut words = match fitting {
            0 => format!("{path}: no such box is registered; there is"),
            _ => format!("{path}: several boxes; pick one with --name or --endpoint:"),
        };
        for (number, granted) in self.boxes.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            let endpoint = granted.endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT);
            let (label, endpoint) = (one_line(granted.label()), one_line(endpoint));
            let _ = match label == endpoint {
                true => write!(words, "{comma} {label}"),
                false => write!(words, "{comma} {label} ({endpoint})"),
            };
        }
        Error::misuse(words)
    }

    /// The access to the box with this uid. One whose box is not known is the one if it was for the
    /// same endpoint, or if it is all there is and was for none in particular.
    pub(crate) fn of_box(&self, uid: Option<&str>, endpoint: &Address) -> Option<&Granted> {
        let same = |granted: &&Granted| match (&granted.uid, uid) {
            (Some(known), Some(uid)) => known == uid,
            _ if granted.endpoint.is_none() && self.boxes.len() == 1 => true,
            _ => granted.label_address().as_ref() == Some(endpoint),
        };
        self.boxes.iter().find(same)
    }

    /// Makes sure that a box can be added to this file.
    ///
    /// # Errors
    /// When it is the file of freebox_monitor.py, which that script has to understand.
    pub(crate) fn must_be_own(&self) -> Result<(), Error> {
        match self.form {
            Form::Json => Ok(()),
            Form::Ini => Err(Error::misuse(format!(
                "{}: this is freebox_monitor.py's own file and stays as it is; \
                 name another one with --config",
                self.path.display()
            ))),
        }
    }

    /// Adds a box, or replaces what was known of it, and writes the file.
    ///
    /// # Errors
    /// When the file cannot be written, or is not of the own form.
    pub(crate) fn store(&mut self, granted: Granted) -> Result<(), Error> {
        self.must_be_own()?;
        self.boxes.retain(|known| match (&known.uid, &granted.uid) {
            (Some(known), Some(uid)) => known != uid,
            _ => known.label_address() != granted.label_address(),
        });
        self.boxes.push(granted);
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

impl Granted {
    fn is_called(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name) || self.uid.as_deref() == Some(name)
    }

    fn label_address(&self) -> Option<Address> {
        self.endpoint
            .as_deref()
            .unwrap_or(DEFAULT_ENDPOINT)
            .parse()
            .ok()
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
    user.into_iter()
        .chain([PathBuf::from(SYSTEM_FILE)])
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

/// Reads the file of freebox_monitor.py: sections of `key = value`, as Python's configparser
/// writes them. Each section that holds a token is a box.
fn from_ini(text: &str) -> Result<Vec<Granted>, String> {
    let mut boxes: Vec<IniBox> = vec![IniBox::default()];
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') {
            boxes.push(IniBox::default());
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| format!("line {}: neither [section] nor key = value", number + 1))?;
        if let Some(last) = boxes.last_mut() {
            last.set(&key.trim().to_ascii_lowercase(), value.trim());
        }
    }
    let found: Vec<Granted> = boxes.into_iter().filter_map(IniBox::granted).collect();
    match found.is_empty() {
        true => Err("neither JSON nor an INI file with an app_token".to_owned()),
        false => Ok(found),
    }
}

/// What a section of the INI file says.
#[derive(Default)]
struct IniBox {
    app_id: Option<String>,
    app_token: Option<Secret>,
    track_id: i64,
    endpoint: Option<String>,
}

impl IniBox {
    fn set(&mut self, key: &str, value: &str) {
        let value = value.trim_matches(['"', '\'']);
        match key {
            "app_token" => self.app_token = Some(Secret::new(value)).filter(Secret::is_token),
            "app_id" if !value.is_empty() => self.app_id = Some(value.to_owned()),
            "track_id" => self.track_id = value.parse().unwrap_or_default(),
            "endpoint" | "api_endpoint" if !value.is_empty() => {
                self.endpoint = Some(value.to_owned());
            }
            _ => log::debug!("credentials: '{}' is not used", one_line(key)),
        }
    }

    fn granted(self) -> Option<Granted> {
        Some(Granted {
            app_id: self.app_id.unwrap_or_else(|| PYTHON_APP_ID.to_owned()),
            app_token: self.app_token?,
            track_id: self.track_id,
            uid: None,
            endpoint: self.endpoint,
            name: None,
            https: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(name: &str, uid: &str, endpoint: &str) -> Granted {
        Granted {
            app_id: "x".to_owned(),
            app_token: Secret::new("token"),
            track_id: 1,
            uid: Some(uid.to_owned()),
            endpoint: Some(endpoint.to_owned()),
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
    fn the_file_of_the_python_script() {
        let text = "[general]\ntrack_id = 12\napp_token = ab/c+d==\n\n";
        let boxes = from_ini(text).expect("credentials");
        assert_eq!(boxes.len(), 1);
        assert_eq!(boxes[0].app_id, "fr.freebox.seximonitor");
        assert_eq!(boxes[0].app_token.reveal(), "ab/c+d==");
        assert_eq!(boxes[0].track_id, 12);
    }

    #[test]
    fn what_is_neither_form_is_refused_without_quoting_it() {
        for text in [
            "",
            "S3cret",
            "[general]\ntrack_id=1\n",
            "[a]\napp_token =\n",
        ] {
            let error = from_ini(text).expect_err(text);
            assert!(!error.contains("S3cret"), "{error}");
        }
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
            .store(granted("home", "1", "a"))
            .expect("the first");
        credentials
            .store(granted("away", "2", "b"))
            .expect("the second");
        credentials
            .store(granted("home again", "1", "a"))
            .expect("the first anew");
        let names: Vec<_> = Credentials::load(Some(&path), Deadline::of_run(None))
            .expect("the file")
            .boxes;
        let names: Vec<_> = names.into_iter().filter_map(|it| it.name).collect();
        assert_eq!(names, ["away", "home again"]);
        assert!(!files::is_open_to_others(&path));
    }
}
