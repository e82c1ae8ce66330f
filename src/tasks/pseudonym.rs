//! Answers of a box without what they tell about its people: names, addresses, numbers, serials
//! become others of the same shape, the same ones each time. Tokens and keys go altogether.
//!
//! What is not known to be harmless is taken for private: a text stays only where a metric reads
//! it as a number or a state, or where the field is known to hold a word of Freebox OS.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Number, Value as Json};
use sha1::Sha1;

use crate::base::secret::Secret;
use crate::metrics::lenient;
use crate::metrics::metric::Kind;
use crate::sections;

/// A field with one of these words in its name holds something that opens a door.
const SECRET_WORDS: [&str; 20] = [
    "key",
    "keys",
    "pass",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "tokens",
    "secret",
    "psk",
    "pin",
    "challenge",
    "salt",
    "cookie",
    "credential",
    "credentials",
    "certificate",
    "cert",
    "userdata",
];

/// A number in a field with one of these words in its name points at somebody.
const PRIVATE_NUMBERS: [&str; 9] = [
    "number",
    "phone",
    "serial",
    "imei",
    "imsi",
    "iccid",
    "msisdn",
    "latitude",
    "longitude",
];

/// Fields that hold words of Freebox OS or of a maker: states, kinds, models, versions.
const PLAIN_FIELDS: &[&str] = &[
    "access",
    "access_type",
    "af",
    "api_base_url",
    "api_version",
    "arch",
    "attach_status",
    "auth_type",
    "band",
    "board_name",
    "box_flavor",
    "box_model",
    "box_model_name",
    "category",
    "channel_width",
    "code",
    "conn",
    "connection",
    "connectivity_type",
    "current_mode",
    "date",
    "datetime",
    "device_model",
    "device_type",
    "disk_status",
    "disk_type",
    "duplex",
    "duration",
    "encryption",
    "ep_type",
    "error_code",
    "eth_port_status",
    "firmware_version",
    "fs_type",
    "fsck_result",
    "fsm_state",
    "fstype",
    "host_type",
    "ht_mode",
    "interface",
    "ip_proto",
    "last_error",
    "level",
    "link",
    "link_type",
    "mac_filter_state",
    "media",
    "missing_right",
    "mode",
    "model",
    "modulation",
    "net_role",
    "network",
    "os",
    "override_mode",
    "partition_type",
    "planning_mode",
    "power_state",
    "pretty_name",
    "proto",
    "protocol",
    "role",
    "rrd_id",
    "rule_mode",
    "severity",
    "sfp_model",
    "sfp_vendor",
    "sip_alg",
    "source",
    "speed",
    "standard",
    "state",
    "status",
    "stb_type",
    "sync_action",
    "sysfs_state",
    "table_type",
    "throttling_mode",
    "timestamp",
    "type",
    "unit",
    "uptime",
    "value_type",
    "vendor_name",
    "visibility",
    "wifi_type",
];

/// Words of Freebox OS in fields that may also hold somebody's own: interfaces, radios, sensors,
/// kinds of VPN.
const PLAIN_WORDS: &[&str] = &[
    "battery",
    "bridge",
    "ether",
    "ethernet",
    "fan",
    "freebox",
    "ipsec",
    "openvpn",
    "pptp",
    "pub",
    "router",
    "sfp",
    "temp",
    "wifi",
    "wifiguest",
    "wireguard",
];

/// How long a word of a plain field may be.
const LONGEST_PLAIN: usize = 64;
/// How often a pseudonym of the same length is looked for before a longer one is taken.
const TRIES: u32 = 200;

/// The pseudonyms of one recording. Nobody without the key can say what they stand for, and two
/// texts get two as long as there are enough of the shape.
#[derive(Debug)]
pub(crate) struct Pseudonyms {
    key: Secret,
    given: HashMap<String, String>,
    taken: HashSet<String>,
    read_by_metrics: HashSet<&'static str>,
    states: HashSet<&'static str>,
}

impl Pseudonyms {
    /// Pseudonyms that depend on `key`, and on nothing else that differs from day to day.
    pub(crate) fn new(key: &Secret) -> Self {
        let kinds = || sections::metrics().map(|(_, metric)| &metric.kind);
        let words = kinds().flat_map(|kind| match kind {
            Kind::Code(list) => list.iter().map(|(word, _)| *word).collect(),
            Kind::Is(word) | Kind::IsNot(word) => vec![*word],
            _ => Vec::new(),
        });
        Pseudonyms {
            key: key.clone(),
            given: HashMap::new(),
            taken: HashSet::new(),
            read_by_metrics: sections::metrics()
                .flat_map(|(_, metric)| metric.fields())
                .collect(),
            states: words.collect(),
        }
    }

    /// An answer without anything private.
    pub(crate) fn answer(&mut self, answer: Json) -> Json {
        self.value("", answer)
    }

    /// An answer without what opens doors, and else as it came.
    pub(crate) fn without_secrets(&self, answer: Json) -> Json {
        match answer {
            Json::Object(fields) => {
                let harmless = fields
                    .into_iter()
                    .filter(|(field, value)| !self.is_secret(field, value));
                let harmless = harmless.map(|(field, it)| (field, self.without_secrets(it)));
                Json::Object(harmless.collect())
            }
            Json::Array(items) => items
                .into_iter()
                .map(|it| self.without_secrets(it))
                .collect(),
            other => other,
        }
    }

    /// Whether a field holds a key or a token, and not only something about one.
    fn is_secret(&self, field: &str, value: &Json) -> bool {
        let is_about_one = value.is_boolean()
            || value.is_null()
            || value.is_number() && self.read_by_metrics.contains(field);
        has_word(field, &SECRET_WORDS) && !is_about_one
    }

    fn value(&mut self, field: &str, value: Json) -> Json {
        match value {
            Json::Object(fields) => Json::Object(self.fields(fields)),
            Json::Array(items) => items.into_iter().map(|it| self.value(field, it)).collect(),
            Json::String(text) if self.is_plain(field, &text) => Json::String(text),
            Json::String(text) => Json::String(self.text(&text)),
            Json::Number(number) if has_word(field, &PRIVATE_NUMBERS) => self.number(&number),
            other => other,
        }
    }

    fn fields(&mut self, fields: Map<String, Json>) -> Map<String, Json> {
        let mut out = Map::new();
        for (field, value) in fields {
            // The box's own words about a failure may name things; its code says enough.
            if !self.is_secret(&field, &value) && field != "msg" {
                let name = match is_name_of_a_field(&field) {
                    true => field.clone(),
                    false => self.text(&field),
                };
                out.insert(name, self.value(&field, value));
            }
        }
        out
    }

    fn is_plain(&self, field: &str, text: &str) -> bool {
        let is_flag = ["true", "false", ""].contains(&text);
        let is_read =
            self.read_by_metrics.contains(field) && lenient::number(&text.into()).is_some();
        let is_word = |c: char| c.is_ascii_alphanumeric() || " ._+/-(),".contains(c);
        let is_plain = PLAIN_FIELDS.contains(&field)
            && text.len() <= LONGEST_PLAIN
            && text.chars().all(is_word)
            && text.parse::<IpAddr>().is_err();
        // What the box calls its sensors and fans.
        let is_part = field == "id"
            && (text.starts_with("temp_") || text.starts_with("fan"))
            && text.chars().all(is_word);
        is_flag || is_read || is_plain || is_part || self.states.contains(text)
    }

    /// A text of the same shape: addresses for addresses, words for words.
    fn text(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest
                .find(|c: char| !could_be_in_an_address(c))
                .unwrap_or(rest.len());
            let (run, behind) = rest.split_at(end);
            let run_is_whole = !out.ends_with(|c: char| c.is_ascii_alphanumeric())
                && !behind.starts_with(|c: char| c.is_ascii_alphanumeric());
            match self.address(run).filter(|_| run_is_whole) {
                Some(address) => {
                    out.push_str(&address);
                    rest = behind;
                }
                None => {
                    let end = rest.find(|c| !is_in_a_word(c)).unwrap_or(rest.len());
                    let (word, behind) = rest.split_at(end);
                    if !word.is_empty() {
                        out.push_str(&self.word(word));
                    }
                    let mut behind = behind.chars();
                    out.extend(behind.next());
                    rest = behind.as_str();
                }
            }
        }
        out
    }

    fn address(&mut self, text: &str) -> Option<String> {
        if lenient::mac_digits(text).is_some() {
            return Some(self.mac(text));
        }
        match text.parse().ok()? {
            IpAddr::V4(address) => Some(self.ipv4(address)),
            IpAddr::V6(address) => Some(self.ipv6(address)),
        }
    }

    /// A locally administered one, in the same case.
    fn mac(&mut self, text: &str) -> String {
        let canonical = text.to_ascii_lowercase();
        let fake = self.pseudonym(&canonical, |bytes, _| {
            let last: Vec<String> = bytes[..5].iter().map(|it| format!("{it:02x}")).collect();
            format!("02:{}", last.join(":"))
        });
        match text.chars().any(|c| c.is_ascii_uppercase()) {
            true => fake.to_ascii_uppercase(),
            false => fake,
        }
    }

    /// One at the same place of another private network, so that ranges stay ranges; or one that
    /// is reserved for tests.
    fn ipv4(&mut self, address: Ipv4Addr) -> String {
        let [first, second, third, last] = address.octets();
        let is_mask = first == 255;
        if address.is_unspecified() || address.is_loopback() || address.is_multicast() || is_mask {
            return address.to_string();
        }
        if !address.is_private() {
            return self.pseudonym(&address.to_string(), |bytes, _| {
                Ipv4Addr::new(198, 18 + bytes[2] % 2, bytes[0], bytes[1]).to_string()
            });
        }
        let network = self.pseudonym(&format!("{first}.{second}.{third}"), |bytes, _| {
            let second = match first {
                10 => bytes[1],
                172 => 16 + bytes[1] % 16,
                _ => second,
            };
            format!("{first}.{second}.{}", bytes[0])
        });
        format!("{network}.{last}")
    }

    /// One of the link, or one that is reserved for documents.
    fn ipv6(&mut self, address: Ipv6Addr) -> String {
        if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
            return address.to_string();
        }
        self.pseudonym(&address.to_string(), |bytes, _| {
            let mut fake = [0; 16];
            match address.is_unicast_link_local() {
                true => fake[..2].copy_from_slice(&[0xfe, 0x80]),
                false => fake[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]),
            }
            fake[8..].copy_from_slice(&bytes[..8]);
            Ipv6Addr::from(fake).to_string()
        })
    }

    /// Letters for letters, digits for digits, in the same case.
    fn word(&mut self, word: &str) -> String {
        let canonical = word.to_lowercase();
        if PLAIN_WORDS.contains(&canonical.as_str()) {
            return word.to_owned();
        }
        let fake = self.pseudonym(&canonical, |bytes, extra| {
            let shape = canonical.chars().chain(std::iter::repeat_n('x', extra));
            let fake = shape.zip(bytes.iter().cycle()).enumerate();
            fake.map(|(place, (c, byte))| {
                // A long word would repeat itself.
                let byte = byte.wrapping_add((place / bytes.len()) as u8);
                match c.is_ascii_digit() {
                    true => char::from(b'0' + byte % 10),
                    false => char::from(b'a' + byte % 26),
                }
            })
            .collect()
        });
        let mut cases = word.chars().map(char::is_uppercase);
        fake.chars()
            .map(|c| match cases.next() {
                Some(true) => c.to_ascii_uppercase(),
                _ => c,
            })
            .collect()
    }

    fn number(&mut self, number: &Number) -> Json {
        let digits = number.to_string().replace(['-', '.'], "");
        let whole: Option<u64> = self.word(&digits).parse().ok();
        whole.map_or(Json::Null, Json::from)
    }

    /// The pseudonym of a text: the same one each time, and nobody else's. `make` gets bytes that
    /// depend on the text, and by how much the pseudonym has to be longer than it.
    fn pseudonym(&mut self, text: &str, make: impl Fn(&[u8], usize) -> String) -> String {
        if let Some(fake) = self.given.get(text) {
            return fake.clone();
        }
        let mut tried = 0;
        let fake = loop {
            let fake = make(&self.bytes(text, tried), (tried / TRIES) as usize);
            let is_new = fake != text && self.taken.insert(fake.clone());
            // Where there are not enough of a kind, two get the same.
            if is_new || tried > 2 * TRIES {
                break fake;
            }
            tried += 1;
        };
        self.given.insert(text.to_owned(), fake.clone());
        fake
    }

    fn bytes(&self, text: &str, tried: u32) -> [u8; 20] {
        let Ok(mut mac) = <Hmac<Sha1> as KeyInit>::new_from_slice(self.key.reveal().as_bytes())
        else {
            unreachable!("HMAC takes keys of any length");
        };
        mac.update(&tried.to_be_bytes());
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Letters and digits of a text that is no JSON, without what they say.
pub(crate) fn masked(body: &str) -> String {
    let mask = |c: char| match c {
        c if c.is_ascii_digit() => '0',
        c if c.is_alphanumeric() => 'x',
        c => c,
    };
    body.chars().map(mask).collect()
}

fn has_word(field: &str, words: &[&str]) -> bool {
    let field = field.to_ascii_lowercase();
    field
        .split(['_', '-', '.'])
        .any(|part| words.contains(&part))
}

/// Fields have plain names; where something else stands, somebody's data are the keys.
fn is_name_of_a_field(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= LONGEST_PLAIN
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(plain)
}

fn could_be_in_an_address(c: char) -> bool {
    c.is_ascii_hexdigit() || c == ':' || c == '.'
}

fn is_in_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii()
}
