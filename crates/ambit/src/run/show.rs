// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Shows what a session reports while it proceeds.

use ambit_abi::{Reason, Response};
use ambit_event::{SubjectText, Violation, named};
use ambit_session::{Notice, Report};

use super::Args;
use crate::out::{Style, note, note_json, write_stderr};

/// Returns the function that shows notices: violations as JSON with --json and not at all with --quiet.
pub(super) fn notices(args: &Args) -> Report<'static> {
    let (json, quiet) = (args.json, args.quiet);
    let style = Style::stderr();
    Box::new(move |notice| match notice {
        Notice::Violation(violation) if json => note_json(&violation),
        Notice::Violation(_) if quiet => {}
        Notice::Violation(violation) => {
            write_stderr(format_args!("ambit: {}", line(&violation, style)));
        }
        notice => note!("{notice}"),
    })
}

fn line(violation: &Violation, style: Style) -> String {
    let what = match violation.response {
        Response::Deny => style.red("refused"),
        Response::Kill => style.red("killed at"),
        _ => style.yellow("outside the map:"),
    };
    let who = violation
        .by
        .as_ref()
        .map_or_else(|| violation.comm.clone(), SubjectText::line);
    let why = match violation.reason {
        Reason::Outside => "",
        Reason::Gate => " (untrusted)",
        Reason::Digest => " (binary changed)",
        Reason::Creds => " (other credentials)",
        _ => " (cannot be represented)",
    };
    format!(
        "{what} {}: {who}: {}{why}",
        violation.id,
        named(&violation.rule)
    )
}
