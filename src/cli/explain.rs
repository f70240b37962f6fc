//! `convproof explain CODE`, and `limits` for the table of limits.

use crate::explain::{all_codes, explain};
use crate::limits;

use super::Status;
use super::output::Output;

/// Explain a diagnostic by its code, as in `convproof explain E0203`
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The code, or `limits` for all limits; all codes are listed without one
    code: Option<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    let Some(code) = &arguments.code else {
        let list: String = all_codes().iter().map(|(code, title)| format!("{code}  {title}\n")).collect();
        output.print(&list);
        return Status::Holds;
    };
    if code == "limits" {
        output.print(&limits::table());
        return Status::Holds;
    }
    // `E0203`, `e0203` and `203` are the same.
    let digits = code.trim_start_matches(['e', 'E']);
    match explain(&format!("E{digits:0>4}")) {
        Some(text) => {
            output.print(&format!("{text}\n"));
            Status::Holds
        }
        None => {
            output.fail(format_args!("no diagnostic has the code `{code}`; `convproof explain` lists all"));
            Status::Wrong
        }
    }
}
