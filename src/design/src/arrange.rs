//! Where things stand on the board: columns to the right, rows downwards, in steps of an eighth.

use std::collections::{BTreeMap, BTreeSet};

use scale_sim::{Kind, Scenario};
use serde_json::{Value, json};

use crate::design::object;
use crate::edit::Align;
use crate::{Design, wiring};

/// The largest column and row that a scenario allows.
pub const MOST: f64 = 100.0;
/// Nearer than this two components lie on each other.
const APART: f64 = 0.75;

/// The nearest place that there is.
pub fn snapped(at: f64) -> f64 {
    let eighths = (at * 8.0).round() / 8.0;
    if eighths.is_finite() {
        eighths.clamp(0.0, MOST)
    } else {
        0.0
    }
}

fn put(tree: &mut Value, name: &str, at: [f64; 2]) {
    let view = object(tree, "view")
        .entry(name)
        .or_insert_with(|| json!({}));
    if let Some(view) = view.as_object_mut() {
        view.insert("at".to_owned(), json!(at.map(snapped)));
    }
}

/// Moves components as one: none leaves the board, and they keep their distances.
pub(crate) fn shift(tree: &mut Value, design: &Design, names: &[String], by: [f64; 2]) {
    let places: Vec<[f64; 2]> = names.iter().map(|name| design.at(name)).collect();
    let by: [f64; 2] = core::array::from_fn(|i| {
        let least = places.iter().map(|at| at[i]).fold(f64::INFINITY, f64::min);
        let most = places.iter().map(|at| at[i]).fold(0.0, f64::max);
        if least.is_finite() && by[i].is_finite() {
            by[i].max(-least).min(MOST - most)
        } else {
            0.0
        }
    });
    for (name, at) in names.iter().zip(places) {
        put(tree, name, [at[0] + by[0], at[1] + by[1]]);
    }
}

/// Makes room for one more column at `column`: all that stands there or behind it moves on by one.
pub(crate) fn make_room(tree: &mut Value, design: &Design, column: f64) {
    for name in design.scenario().components.keys() {
        let at = design.at(name);
        if at[0] > column - APART {
            put(tree, name, [(at[0] + 1.0).min(MOST), at[1]]);
        }
    }
}

/// Puts components in line.
pub(crate) fn align(tree: &mut Value, design: &Design, names: &[String], align: Align) {
    let axis = usize::from(matches!(align, Align::Row | Align::Down));
    let mut order: Vec<(&String, [f64; 2])> =
        names.iter().map(|name| (name, design.at(name))).collect();
    order.sort_by(|a, b| a.1[axis].total_cmp(&b.1[axis]));
    let (Some(first), Some(last)) = (order.first(), order.last()) else {
        return;
    };
    let (from, to) = (first.1[axis], last.1[axis]);
    let steps = (order.len() - 1).max(1) as f64;
    let mean = order.iter().map(|(_, at)| at[axis]).sum::<f64>() / order.len() as f64;
    for (i, (name, mut at)) in order.into_iter().enumerate() {
        at[axis] = match align {
            Align::Column | Align::Row => mean,
            Align::Across | Align::Down => from + (to - from) * i as f64 / steps,
        };
        put(tree, name, at);
    }
}

/// A place where nothing stands yet: in the column behind `after`, or behind everything.
pub(crate) fn free_place(design: &Design, after: Option<&str>) -> [f64; 2] {
    let places: Vec<[f64; 2]> = { design.scenario().components.keys() }
        .map(|name| design.at(name))
        .collect();
    let [column, row] = match after {
        Some(name) => {
            let at = design.at(name);
            [at[0] + 1.0, at[1]]
        }
        None if places.is_empty() => [0.0, 1.0],
        None => {
            let last = places.iter().map(|at| at[0]).fold(0.0, f64::max);
            [last + 1.0, 1.0]
        }
    };
    let column = column.min(MOST);
    let taken = |row: f64| {
        let near = |at: &&[f64; 2]| (at[0] - column).abs() < APART && (at[1] - row).abs() < APART;
        places.iter().find(near).is_some()
    };
    // Beside it, below it, above it, and so on outwards.
    let tries = (0..400_i32).map(|i| {
        let away = f64::from((i + 1) / 2);
        if i % 2 == 1 { row + away } else { row - away }
    });
    let inside = |row: &f64| (0.0..=MOST).contains(row);
    [
        column,
        tries.filter(inside).find(|row| !taken(*row)).unwrap_or(row),
    ]
}

/// Puts everything where calls flow from left to right: each component in the column behind the last of those that call it
/// (longest path), in the order of their middles (the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981).
pub(crate) fn arrange(tree: &mut Value, scenario: &Scenario) {
    let names: Vec<&String> = scenario.components.keys().collect();
    let numbered = names.iter().enumerate();
    let numbers: BTreeMap<&str, usize> = numbered.map(|(at, name)| (name.as_str(), at)).collect();
    let number = |name: &str| numbers.get(name).copied();
    let edges: Vec<(usize, usize)> = { wiring::connections(scenario).into_iter() }
        .filter_map(|(from, to)| {
            let (a, b) = (number(from)?, number(to)?);
            // What follows a store stands behind it.
            let follows = scenario.components[names[a]].kind() == Kind::View;
            Some(if follows { (b, a) } else { (a, b) })
        })
        .collect();
    let mut layers = vec![Vec::new(); names.len()];
    for (at, layer) in longest_paths(names.len(), &edges).into_iter().enumerate() {
        layers[layer].push(at);
    }
    layers.retain(|layer: &Vec<usize>| !layer.is_empty());
    order(&mut layers, names.len(), &edges);
    // More than a column holds stand in several beside each other.
    let layers: Vec<&[usize]> = { layers.iter() }
        .flat_map(|layer| {
            let columns = layer.len().div_ceil(MOST as usize + 1);
            layer.chunks(layer.len().div_ceil(columns.max(1)).max(1))
        })
        .collect();
    let highest = layers.iter().map(|layer| layer.len()).max().unwrap_or(0);
    // Where there are more columns than the board has, they are narrower, by eighths.
    let wide = (MOST / layers.len().saturating_sub(1).max(1) as f64).min(1.0);
    let wide = (wide * 8.0).floor() / 8.0;
    for (column, layer) in layers.iter().enumerate() {
        let top = (highest - layer.len()) as f64 / 2.0;
        for (row, at) in layer.iter().enumerate() {
            put(tree, names[*at], [column as f64 * wide, top + row as f64]);
        }
    }
}

/// The layer of each of so many: one more than the greatest of those that lead to it. Calls that lead back to where they come
/// from do not count.
fn longest_paths(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut next = vec![Vec::new(); count];
    for (a, b) in edges {
        next[*a].push(*b);
    }
    // Depth first, an explicit stack: what is still open when it is come to again lies on a round.
    let (mut open, mut done) = (vec![false; count], vec![false; count]);
    let mut back = BTreeSet::new();
    let mut last_first = Vec::with_capacity(count);
    for start in 0..count {
        let mut stack = vec![(start, 0)];
        while let Some((here, tried)) = stack.pop() {
            if tried == 0 && (open[here] || done[here]) {
                continue;
            }
            open[here] = true;
            let Some(to) = next[here].get(tried) else {
                open[here] = false;
                done[here] = true;
                last_first.push(here);
                continue;
            };
            stack.push((here, tried + 1));
            if open[*to] {
                back.insert((here, *to));
            } else if !done[*to] {
                stack.push((*to, 0));
            }
        }
    }
    let mut layers = vec![0; count];
    for here in last_first.into_iter().rev() {
        for to in &next[here] {
            if !back.contains(&(here, *to)) {
                layers[*to] = layers[*to].max(layers[here] + 1);
            }
        }
    }
    layers
}

/// Orders each layer by the middles of those that its members are connected with, forth and back.
fn order(layers: &mut [Vec<usize>], count: usize, edges: &[(usize, usize)]) {
    let (mut before, mut behind) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for (a, b) in edges {
        behind[*a].push(*b);
        before[*b].push(*a);
    }
    let mut row = vec![0.0; count];
    let spread = |layer: &[usize], row: &mut [f64]| {
        for (i, at) in layer.iter().enumerate() {
            row[*at] = i as f64 - (layer.len() - 1) as f64 / 2.0;
        }
    };
    for layer in layers.iter() {
        spread(layer, &mut row);
    }
    for forth in [true, false, true, false] {
        let near = if forth { &before } else { &behind };
        for step in 0..layers.len() {
            let at = if forth { step } else { layers.len() - 1 - step };
            let middle = |of: usize| {
                let rows = near[of].iter().map(|other| row[*other]);
                match near[of].len() {
                    0 => row[of],
                    count => rows.sum::<f64>() / count as f64,
                }
            };
            let mut ordered: Vec<(f64, usize)> =
                layers[at].iter().map(|of| (middle(*of), *of)).collect();
            ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[at] = ordered.into_iter().map(|(_, of)| of).collect();
            spread(&layers[at], &mut row);
        }
    }
}
