//! Where recordings of television go. <https://dev.freebox.fr/sdk/os/pvr/>

use crate::metrics::group::Group;
use crate::metrics::metric::gauge;
use crate::metrics::reading::text;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("pvr/media/")];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&MEDIA];

/// Each medium.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let media = answers
        .records("pvr/media/")
        .map(|media| Sample::read(&MEDIA, media).label("media", media.get("media").and_then(text)));
    media.collect()
}

static MEDIA: Group = Group::new(
    "pvr.media",
    &[
        gauge("free_bytes", "byte", "Free"),
        gauge("total_bytes", "byte", "Size"),
    ],
)
.since("3")
.identity(&[&["media"]])
.measurement("freebox_pvr")
.field_prefix("pvr_media_");
