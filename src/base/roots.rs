//! Certificate authorities: Free's own, compiled in, and those of a file.
//!
//! The boxes' certificates come from private roots of Free and, in Italy, Iliad, which no system
//! knows. They are public: <https://dev.freebox.fr/sdk/os/#https-access>. Valid until 2035 and 2040.

use std::path::Path;

use ureq::tls::{Certificate, PemItem, parse_pem};

use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::files;

/// Freebox ECC, Freebox RSA, Iliadbox ECC and Iliadbox RSA.
const FREE_ROOTS: &[u8] = include_bytes!("freebox_certificates.pem");

/// Free's four roots.
pub(super) fn free_roots() -> impl Iterator<Item = Certificate<'static>> {
    certificates(FREE_ROOTS)
}

fn certificates(pem: &[u8]) -> impl Iterator<Item = Certificate<'static>> + use<'_> {
    parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    })
}

/// The certificates of a PEM file (`--ssl-ca-bundle-file`).
///
/// # Errors
/// When it cannot be read or holds none.
pub(crate) fn read_bundle(
    path: &Path,
    deadline: Deadline,
) -> Result<Vec<Certificate<'static>>, Error> {
    let pem = files::read(path, deadline)?;
    let found: Vec<_> = certificates(&pem).collect();
    match found.is_empty() {
        true => Err(Error::misuse(format!(
            "{}: no certificate in it; a PEM file has them between BEGIN and END lines",
            path.display()
        ))),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_roots_are_the_published_ones() {
        let fingerprints: Vec<String> = free_roots()
            .map(|root| Sha256::digest(root.der()))
            .map(|digest| digest.iter().map(|byte| format!("{byte:02X}")).collect())
            .collect();
        let published = [
            "23CFB72636BE665DBBF2FE3E0527904771A8DFF1BACE461D8BD69F34812C2444",
            "2BD8B5BE1A990E42AD1BD79C306EB519B637EE2475C0D931F257535610E9C3E7",
            "A210B1DE8357927F133CF517BB63AC99FCEA79975BE51262BAC9DE0EA874EBDE",
            "74F795BBD02F1CF0451422A3C6EE7226B2D3F7DD1EB5FCBA8BE5C21BA529A8F7",
        ];
        assert_eq!(fingerprints, published);
    }

    #[test]
    fn the_roots_are_accepted_by_the_tls_library() {
        let mut store = rustls::RootCertStore::empty();
        let der = free_roots().map(|root| root.der().to_vec().into());
        assert_eq!(store.add_parsable_certificates(der), (4, 0));
    }
}
