//! Access to one box, as it is granted and stored.

use serde::{Deserialize, Serialize};

use crate::api::{Address, FAMILIES};
use crate::base::secret::Secret;

/// Where a box is, unless something else is said.
pub(crate) const DEFAULT_ENDPOINT: &str = "mafreebox.freebox.fr";

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
    /// The URL of its API then: a tag in InfluxDB, which has to stay as it is.
    #[serde(default)]
    pub(crate) api_url: Option<String>,
    /// What it is called in paths: a word of its user's, or for its model.
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

    /// Whether that is what its user calls it, or what it calls itself.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name) || self.uid.as_deref() == Some(name)
    }

    /// Where it was, as it is written.
    pub(crate) fn place(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT)
    }

    /// The name that somebody chose; `None` where it is only what the model is called.
    pub(super) fn chosen_name(&self) -> Option<&str> {
        let name = self.name.as_deref()?;
        let uid = self.uid.as_deref().unwrap_or_default();
        let word = match name.rsplit_once('_') {
            Some((word, digits)) if uid.ends_with(digits) => word,
            _ => name,
        };
        let is_of_model = FAMILIES.iter().any(|(family, _)| *family == word);
        (!is_of_model).then_some(name)
    }

    /// Whether both were at one place, however that is written.
    pub(crate) fn is_beside(&self, other: &Granted) -> bool {
        match (self.label_address(), other.label_address()) {
            (Some(one), Some(other)) => one.is_same_place(&other),
            _ => self.place() == other.place(),
        }
    }

    /// Where it was, if that can be understood.
    pub(crate) fn label_address(&self) -> Option<Address> {
        self.place().parse().ok()
    }
}
