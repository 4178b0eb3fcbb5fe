//! What happened, in words.

use super::Seen;
use super::accounts::Effect;
use super::messages::Lost;
use super::writes::Write;
use crate::event::MessageRef;
use crate::model::Model;
use crate::time::Duration;

/// What a violation is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Name {
    /// A row, as its database numbers rows.
    Row(u64),
    /// A key.
    Key(u64),
    /// Nothing that has a number.
    Nothing,
}

const NUMBER: u64 = (1 << 40) - 1;

/// A row with its table; see [`Prepared::row`](crate::db::Prepared::row).
fn row(model: &Model, database: u16, row: u64) -> String {
    let component = &model.components[usize::from(database)];
    let tables = component.database.as_ref().map(|d| &d.tables);
    let table = tables.and_then(|tables| tables.get((row >> 40) as usize));
    let number = row & NUMBER;
    format!("row {number} of '{}'", table.unwrap_or(&component.name))
}

fn named(model: &Model, station: u32, what: Name) -> String {
    let component = model.stations[station as usize].component;
    match what {
        Name::Row(at) => row(model, component, at),
        Name::Key(key) => format!("key {key}"),
        Name::Nothing => String::new(),
    }
}

fn request(id: u64) -> String {
    if id == u64::MAX {
        "the system itself".to_owned()
    } else {
        format!("request {id}")
    }
}

/// A time, as precise as it is short.
fn span(time: Duration) -> String {
    let ms = time.millis();
    if ms < 10.0 {
        format!("{ms:.3} ms")
    } else if ms < 10_000.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{:.1} s", ms / 1e3)
    }
}

pub(super) fn lost_update(seen: Seen<'_>, effect: Effect, overwritten: Option<&Write>) -> String {
    let by = request(seen.request.id);
    let row = row(seen.model, effect.database, effect.row);
    let what = overwritten.map(|write| {
        let ago = span(seen.now.since(write.at));
        format!(
            "the change that {} made {ago} before",
            request(write.request.id)
        )
    });
    let what = what.unwrap_or_else(|| "a change in between".to_owned());
    format!("{by} wrote {row} from an old version: {what} is lost")
}

pub(super) fn double_effect(seen: Seen<'_>, effect: Effect) -> String {
    let (by, row) = (
        request(seen.request.id),
        row(seen.model, effect.database, effect.row),
    );
    let operation = seen.model.operation_name(effect.operation).to_owned();
    format!("'{operation}' of {by} changed {row} once more: it had been done before")
}

pub(super) fn unbalanced(seen: Seen<'_>, net: i64, about: &str) -> String {
    let (by, amount, about) = (
        request(seen.request.id),
        net.unsigned_abs(),
        about.to_owned(),
    );
    let more = if net > 0 { "more" } else { "less" };
    format!("nothing is left of {by}, and there is {amount} {more} than before in {about}")
}

pub(super) fn taken_back(id: u64, net: i64, about: &str) -> String {
    let (by, amount, about) = (request(id), net.unsigned_abs(), about.to_owned());
    let more = if net > 0 { "more" } else { "less" };
    format!(
        "the failover undid a part of what {by} did: there is {amount} {more} than before in {about}"
    )
}

pub(super) fn stale(seen: Seen<'_>, station: u32, what: Name, age: Duration) -> String {
    let (by, what) = (request(seen.request.id), named(seen.model, station, what));
    let (at, age) = (
        seen.model.stations[station as usize].name.clone(),
        span(age),
    );
    format!("{by} was given {what} by '{at}' in a version that had been overwritten {age} before")
}

pub(super) fn missed_own(seen: Seen<'_>, station: u32, row: u64) -> String {
    let (by, what) = (
        request(seen.request.id),
        named(seen.model, station, Name::Row(row)),
    );
    let at = seen.model.stations[station as usize].name.clone();
    format!("{by} was given {what} by '{at}' without what its user had written there")
}

pub(super) fn lost_write(
    seen: Seen<'_>,
    station: u32,
    what: Name,
    writer: Option<&Write>,
    count: u32,
) -> String {
    let at = seen.model.stations[station as usize].name.clone();
    let named = named(seen.model, station, what);
    let by = writer.map(|write| {
        let ago = span(seen.now.since(write.at));
        format!(
            "what {} wrote to {named} {ago} before",
            request(write.request.id)
        )
    });
    match what {
        Name::Key(_) if count == 1 => {
            format!("a write of {named} was answered and is gone: '{at}' had not sent it on")
        }
        Name::Key(_) => {
            format!(
                "{count} writes of {named} were answered and are gone: '{at}' had not sent them on"
            )
        }
        Name::Row(_) | Name::Nothing => {
            let by = by.unwrap_or_else(|| format!("a write of {named}"));
            format!("{by} was acknowledged and is gone: '{at}' has taken over without it")
        }
    }
}

pub(super) fn served_twice(seen: Seen<'_>, component: u16) -> String {
    let by = request(seen.request.id);
    let at = seen.model.components[usize::from(component)].name.clone();
    format!("{by} was done once more at '{at}': it had been done there before")
}

pub(super) fn out_of_order(seen: Seen<'_>, component: u16, key: u64, later: u64) -> String {
    let by = request(seen.request.id);
    let at = seen.model.components[usize::from(component)].name.clone();
    format!("{by} of key {key} was done at '{at}' after request {later}, which was sent later")
}

/// What there is in each table of a saga: `about` names them, `shares` says what there is, and of how much.
fn parts(about: &str, shares: impl Iterator<Item = (i64, i64)>) -> String {
    let tables = about.split(" + ").zip(shares);
    let parts = tables.map(|(table, (net, whole))| format!("{net} of {whole} in {table}"));
    parts.collect::<Vec<String>>().join(", ")
}

pub(super) fn done_in_part(
    seen: Seen<'_>,
    about: &str,
    shares: impl Iterator<Item = (i64, i64)>,
) -> String {
    let (by, parts) = (request(seen.request.id), parts(about, shares));
    format!("nothing is left of {by}, and its saga is done in part: {parts}")
}

pub(super) fn overdue(
    seen: Seen<'_>,
    within: Duration,
    alone: bool,
    about: &str,
    shares: impl Iterator<Item = (i64, i64)>,
) -> String {
    let (by, parts) = (request(seen.request.id), parts(about, shares));
    let long = span(within);
    if alone {
        format!("the saga of {by} has not come to an end for {long}, and nobody runs it: {parts}")
    } else {
        format!("the saga of {by} has been done in part for {long}: {parts}")
    }
}

pub(super) fn undone_too_early(seen: Seen<'_>, effect: Effect) -> String {
    let by = request(seen.request.id);
    let row = row(seen.model, effect.database, effect.row);
    let operation = seen.model.operation_name(effect.operation).to_owned();
    format!("'{operation}' of {by} took back in {row} what its saga had not done")
}

pub(super) fn saga_undone(
    seen: Seen<'_>,
    about: &str,
    shares: impl Iterator<Item = (i64, i64)>,
) -> String {
    let (by, parts) = (request(seen.request.id), parts(about, shares));
    format!("the failover undid a part of the saga of {by}: {parts}")
}

pub(super) fn stuck(seen: Seen<'_>, step: u8) -> String {
    let by = request(seen.request.id);
    let step = u32::from(step) + 1;
    format!("the saga of {by} can't go on at its step {step}: a person must see to it")
}

pub(super) fn lost_message(seen: Seen<'_>, broker: u16, message: MessageRef, how: Lost) -> String {
    let at = seen.model.components[usize::from(broker)].name.clone();
    let (by, key) = (request(seen.request.id), message.key);
    let how = match how {
        Lost::Dropped => "it had to make room, and nobody had done it",
        Lost::Gone => "it was not kept any more, and nobody has done it",
        Lost::GivenUp => {
            "it was delivered as often as it may be, and no queue has it as a dead letter"
        }
    };
    format!("a message of {by} about key {key} that '{at}' had accepted is lost: {how}")
}

pub(super) fn no_message(seen: Seen<'_>, about: &str) -> String {
    let by = request(seen.request.id);
    let (database, broker) = about.split_once(" → ").unwrap_or((about, "the broker"));
    format!(
        "nothing is left of {by}, which wrote in '{database}' and left no message in '{broker}'"
    )
}
