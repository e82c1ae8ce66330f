//! The INI form of credentials, as freebox_monitor.py writes and reads it.

use super::granted::Granted;
use crate::base::error::one_line;
use crate::base::secret::Secret;

/// How freebox_monitor.py is known to a box.
const APP_ID: &str = "fr.freebox.seximonitor";

/// Reads the file of freebox_monitor.py: sections of `key = value`, as Python's configparser
/// writes them. Each section that holds a token is a box.
pub(super) fn read(text: &str) -> Result<Vec<Granted>, String> {
    let mut sections: Vec<Section> = vec![Section::default()];
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') {
            sections.push(Section::default());
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| format!("line {}: neither [section] nor key = value", number + 1))?;
        if let Some(last) = sections.last_mut() {
            last.set(&key.trim().to_ascii_lowercase(), value.trim());
        }
    }
    // The script has the token in one section and the address in another.
    let has_token = |section: &Section| section.app_token.is_some();
    let (boxes, others): (Vec<_>, Vec<_>) = sections.into_iter().partition(has_token);
    let address = others.into_iter().find_map(|section| section.endpoint);
    let boxes = boxes.into_iter().map(|section| section.granted(&address));
    let found: Vec<Granted> = boxes.flatten().collect();
    match found.is_empty() {
        true => Err("neither JSON nor an INI file with an app_token".to_owned()),
        false => Ok(found),
    }
}

/// What a section of the INI file says.
#[derive(Default)]
struct Section {
    app_id: Option<String>,
    app_token: Option<Secret>,
    track_id: i64,
    endpoint: Option<String>,
}

impl Section {
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

    /// The box of this section; `address` is for one that names none.
    fn granted(self, address: &Option<String>) -> Option<Granted> {
        let endpoint = self.endpoint.or_else(|| address.clone());
        Some(Granted {
            app_id: self.app_id.unwrap_or_else(|| APP_ID.to_owned()),
            app_token: self.app_token?,
            track_id: self.track_id,
            uid: None,
            api_url: endpoint.clone().filter(|it| is_api(it)),
            endpoint,
            name: None,
            https: false,
        })
    }
}

/// Whether it is a URL of the API: `http://192.168.1.254:80/api/v16`.
fn is_api(url: &str) -> bool {
    let major = url.trim_end_matches('/').rsplit_once("/api/v");
    major.is_some_and(|(_, major)| major.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_python_script() {
        let text = "[general]\ntrack_id = 12\napp_token = ab/c+d==\n\n";
        let boxes = read(text).expect("credentials");
        assert_eq!(boxes.len(), 1);
        assert_eq!(boxes[0].app_id, "fr.freebox.seximonitor");
        assert_eq!(boxes[0].app_token.reveal(), "ab/c+d==");
        assert_eq!(boxes[0].track_id, 12);
    }

    #[test]
    fn the_address_of_another_section_belongs_to_the_token() {
        let api = "[api]\napi_endpoint = http://192.168.1.254:80/api/v16\n";
        for text in [
            format!("[general]\napp_token = ab\n{api}"),
            format!("{api}[general]\napp_token = ab\n"),
        ] {
            let boxes = read(&text).expect("credentials");
            assert_eq!(boxes.len(), 1);
            let endpoint = boxes[0].endpoint.as_deref();
            assert_eq!(endpoint, Some("http://192.168.1.254:80/api/v16"));
        }
    }

    #[test]
    fn what_has_no_token_is_refused_without_quoting_it() {
        for text in [
            "",
            "S3cret",
            "[general]\ntrack_id=1\n",
            "[a]\napp_token =\n",
        ] {
            let error = read(text).expect_err(text);
            assert!(!error.contains("S3cret"), "{error}");
        }
    }
}
