//! Who imports whom: circles, and imports from a room above.

use super::finding::Finding;
use super::source::Source;
use std::collections::{BTreeMap, VecDeque};

/// Edges between files by their numbers: from, to, and the line of the first import.
type Edges = BTreeMap<(usize, usize), usize>;

/// Circles of a crate's files and imports that go up in its list of rooms.
pub(super) fn findings(source: &Source, rooms: Option<&[&str]>) -> Vec<Finding> {
    let edges = edges(source);
    let mut found = circles(source, &edges);
    let Some(rooms) = rooms else {
        let key = format!("rooms {}", source.folder);
        let text = format!("{}: no list of rooms in xtask/src/tidy/rooms.rs", source.folder);
        return [found, vec![Finding { key, size: 1, text }]].concat();
    };
    let place = |room: &str| rooms.iter().position(|r| *r == room);
    for file in &source.files {
        if !file.room.is_empty() && place(&file.room).is_none() {
            let text =
                format!("{}: `{}` is not in the crate's list of rooms", file.path, file.room);
            found.push(Finding { key: format!("room {}", file.path), size: 1, text });
        }
    }
    for (&(from, to), line) in &edges {
        let (from, to) = (&source.files[from], &source.files[to]);
        let Some(own) = place(&from.room) else { continue };
        // The crate's root is above all rooms.
        if to.room.is_empty() || place(&to.room).is_some_and(|other| other > own) {
            let text = format!("{}:{line} imports from {}, which is above it", from.path, to.path);
            found.push(Finding { key: format!("upward {} {}", from.path, to.path), size: 1, text });
        }
    }
    found
}

fn edges(source: &Source) -> Edges {
    let mut edges = Edges::new();
    for (from, file) in source.files.iter().enumerate() {
        for reference in &file.references {
            let to = source.resolve(&reference.module, &reference.path, 0);
            if let Some(to) = to.filter(|to| *to != from) {
                let line = edges.entry((from, to)).or_insert(reference.line);
                *line = reference.line.min(*line);
            }
        }
    }
    edges
}

impl Source {
    /// The file that defines what a path names, if it is in this crate; re-exports are followed.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<usize> {
        let mut at = module.to_vec();
        for (i, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => {
                    at.pop();
                }
                name => {
                    at.push(name.to_owned());
                    if self.modules.contains_key(&at) {
                        continue;
                    }
                    at.pop();
                    let rest = &path[i + 1..];
                    let found = self.look_up(&at, name, rest, depth);
                    // A name that nobody here knows is another crate's; but below a module of ours, where it was not
                    // imported, it is one that a macro makes there.
                    let made = i > 0 && !self.modules[&at].imported.contains_key(name);
                    return found.or_else(|| made.then(|| self.modules[&at].file));
                }
            }
        }
        self.modules.get(&at).map(|module| module.file)
    }

    /// The file that defines a name that can be reached through a module.
    fn look_up(&self, at: &[String], name: &str, rest: &[String], depth: usize) -> Option<usize> {
        // Two modules may re-export all of each other.
        if depth > 16 {
            return None;
        }
        let module = self.modules.get(at)?;
        if module.defined.contains(name) {
            return Some(module.file);
        }
        if let Some(path) = module.imported.get(name)
            && (path.len() > 1 || path[0] != name)
        {
            return self.resolve(at, &[path, rest].concat(), depth + 1);
        }
        module.globs.iter().find_map(|glob| {
            let other = self.module(at, glob)?;
            self.look_up(&other, name, rest, depth + 1)
        })
    }

    /// The module that a path leads to.
    fn module(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let mut at = from.to_vec();
        for name in path {
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => {
                    at.pop();
                }
                name => at.push(name.to_owned()),
            }
        }
        self.modules.contains_key(&at).then_some(at)
    }
}

/// Files that reach each other, with one shortest circle of each such set.
fn circles(source: &Source, edges: &Edges) -> Vec<Finding> {
    let count = source.files.len();
    let mut found = Vec::new();
    let mut seen = vec![false; count];
    for start in 0..count {
        if seen[start] {
            continue;
        }
        let (forth, back) = (reach(count, edges, start, false), reach(count, edges, start, true));
        let members: Vec<usize> = (0..count).filter(|&i| forth[i] && back[i]).collect();
        for &member in &members {
            seen[member] = true;
        }
        if members.len() > 1 {
            let circle = shortest(count, edges, &members);
            let steps: Vec<String> = circle
                .windows(2)
                .map(|pair| {
                    format!("{}:{}", source.files[pair[0]].path, edges[&(pair[0], pair[1])])
                })
                .collect();
            let text = format!(
                "{}: an import circle of {} files, for example {} and back",
                source.folder,
                members.len(),
                steps.join(" → ")
            );
            let first = members.iter().map(|&i| &source.files[i].path).min();
            let key = format!("circle {}", first.map_or("", |path| path));
            found.push(Finding { key, size: members.len(), text });
        }
    }
    found
}

/// Which files can be reached from one, itself included.
fn reach(count: usize, edges: &Edges, start: usize, backwards: bool) -> Vec<bool> {
    let mut reached = vec![false; count];
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            open.extend(edges.keys().filter_map(|&(from, to)| match backwards {
                false => (from == at).then_some(to),
                true => (to == at).then_some(from),
            }));
        }
    }
    reached
}

/// The shortest circle among files that all reach each other; it ends where it begins.
fn shortest(count: usize, edges: &Edges, members: &[usize]) -> Vec<usize> {
    let circle = |start: usize| {
        let mut before = vec![None; count];
        let mut open = VecDeque::from([start]);
        while let Some(at) = open.pop_front() {
            for &(from, to) in edges.keys().filter(|(from, _)| *from == at) {
                if to == start {
                    let mut circle = vec![start, from];
                    while circle[circle.len() - 1] != start {
                        circle.push(before[circle[circle.len() - 1]].unwrap_or(start));
                    }
                    circle.reverse();
                    return circle;
                }
                if before[to].is_none() {
                    before[to] = Some(from);
                    open.push_back(to);
                }
            }
        }
        Vec::new()
    };
    members
        .iter()
        .map(|&m| circle(m))
        .filter(|c| !c.is_empty())
        .min_by_key(Vec::len)
        .unwrap_or_default()
}
