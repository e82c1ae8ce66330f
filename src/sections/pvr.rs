//! Where recordings of television go. <https://dev.freebox.fr/sdk/os/pvr/>

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::metric::{Metric, gauge};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, list, whole};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("pvr/media/").since(3)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&MEDIA];

/// Each medium.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let media = answers.records("pvr/media/").map(|medium| {
        let sample = Sample::read(&MEDIA, medium);
        // What has no size has nothing free either.
        match whole(medium, "total_bytes") {
            Some(0) => sample.without(FREE),
            _ => sample,
        }
    });
    media.collect()
}

const FREE: &Metric = MEDIA.metric("free_bytes");

static MEDIA: Group = Group::new(
    "pvr.media",
    "pvr.media.{media}",
    &[
        gauge(
            "free_bytes",
            Unit::Byte,
            "Free space for recordings of television on this medium",
        ),
        gauge(
            "total_bytes",
            Unit::Byte,
            "Size of this medium for recordings of television",
        )
        .positive(),
    ],
)
.since("3")
.labels(&[label("media", &["media"]).tag("media")])
.measure("pvr")
.field_prefix("pvr_media_");
