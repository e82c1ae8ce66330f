//! What the fuzz targets are made of: the modules of the program, which is no library, taken from
//! where they are, and beside them one file for each target.

#![allow(
    dead_code,
    reason = "the targets need a part of the program, not its main function"
)]

#[path = "../../../src/api/mod.rs"]
mod api;
#[path = "../../../src/base/mod.rs"]
mod base;
#[path = "../../../src/cli/mod.rs"]
mod cli;
#[path = "../../../src/collect/mod.rs"]
mod collect;
#[path = "../../../src/deliver/mod.rs"]
mod deliver;
#[path = "../../../src/encode/mod.rs"]
mod encode;
#[path = "../../../src/history/mod.rs"]
mod history;
#[path = "../../../src/metrics/mod.rs"]
mod metrics;
#[path = "../../../src/sections/mod.rs"]
mod sections;
#[path = "../../../src/state/mod.rs"]
mod state;
#[path = "../../../src/tasks/mod.rs"]
mod tasks;
#[path = "../../../src/template/mod.rs"]
mod template;

mod given;
pub mod targets;
mod text;
