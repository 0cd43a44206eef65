//! The sources of a crate: which file is which module, what it imports, and which of its lines are tests.

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// One crate.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Its folder, seen from the top of the repository.
    pub(super) folder: String,
    pub(super) files: Vec<File>,
    /// The modules of the crate, inline ones included, and the files that they are in.
    pub(super) modules: BTreeMap<Vec<String>, Module>,
}

/// A file of a crate.
#[derive(Debug)]
pub(super) struct File {
    /// Seen from the top of the repository.
    pub(super) path: String,
    /// The first folder or file below `src`; empty for the crate's root.
    pub(super) room: String,
    /// Lines outside of tests.
    pub(super) lines: usize,
    /// Functions outside of tests: name, first line, lines.
    pub(super) functions: Vec<(String, usize, usize)>,
    /// What it names in other modules.
    pub(super) references: Vec<Reference>,
    /// The macros that it calls.
    pub(super) macros: Vec<Reference>,
}

/// A module: what it defines, and what can be reached through it.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) file: usize,
    pub(super) defined: BTreeSet<String>,
    pub(super) imported: BTreeMap<String, Vec<String>>,
    pub(super) globs: Vec<Vec<String>>,
}

/// A path in the source.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) module: Vec<String>,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

impl Source {
    /// Reads all files of a crate.
    pub(super) fn read(root: &Path, folder: &str) -> Result<Self> {
        let mut texts = Vec::new();
        for path in super::text::files(&root.join(folder).join("src"))? {
            if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let name = path.strip_prefix(root.join(folder)).unwrap_or(&path);
                texts.push((name.display().to_string().replace('\\', "/"), text));
            }
        }
        Self::parse(folder, &texts)
    }

    /// Parses the files of a crate, given by paths below its folder.
    pub(super) fn parse(folder: &str, texts: &[(String, String)]) -> Result<Self> {
        let mut source = Self { folder: folder.to_owned(), ..Self::default() };
        let mut parsed = Vec::new();
        let mut tests = BTreeSet::new();
        for (path, text) in texts {
            let tree = syn::parse_file(text).with_context(|| format!("{folder}/{path}"))?;
            let module = module_of(path, texts);
            for item in &tree.items {
                if let syn::Item::Mod(item) = item
                    && item.content.is_none()
                    && is_test(&item.attrs)
                {
                    tests.insert([&module[..], &[item.ident.to_string()]].concat());
                }
            }
            parsed.push((path, text, module, tree));
        }
        parsed
            .retain(|(_, _, module, _)| !(1..=module.len()).any(|n| tests.contains(&module[..n])));
        for (path, text, module, tree) in parsed {
            // A program is as far above all rooms as the crate's root.
            let program = path == "src/main.rs";
            let room = module.first().filter(|_| !program).cloned().unwrap_or_default();
            let mut reader = Reader {
                source: &mut source,
                module,
                file: File {
                    path: format!("{folder}/{path}"),
                    room,
                    lines: text.lines().count(),
                    functions: Vec::new(),
                    references: Vec::new(),
                    macros: Vec::new(),
                },
            };
            reader.enter();
            reader.visit_file(&tree);
            let file = reader.file;
            source.files.push(file);
        }
        source.complete();
        Ok(source)
    }
}

impl Source {
    /// Rooms that a macro makes have no file: they belong to the root's.
    fn complete(&mut self) {
        let root = self.modules.get(&Vec::new()).map_or(0, |module| module.file);
        let names: Vec<Vec<String>> = self.modules.keys().cloned().collect();
        for name in names {
            for n in 1..name.len() {
                let room = || Module { file: root, ..Module::default() };
                self.modules.entry(name[..n].to_vec()).or_insert_with(room);
            }
        }
    }
}

/// The module of a file: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`. A program beside a library is a module of its own.
fn module_of(path: &str, texts: &[(String, String)]) -> Vec<String> {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let library = texts.iter().any(|(p, _)| p == "src/lib.rs");
    if path == "lib" || (path == "main" && !library) {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

/// Whether an item is there for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let words: Vec<String> = list
                .tokens
                .to_string()
                .split(|c: char| !c.is_alphanumeric())
                .map(str::to_owned)
                .collect();
            words.iter().any(|w| w == "test") && !words.iter().any(|w| w == "not")
        }
        _ => false,
    })
}

/// Whether two colons follow.
fn is_path(tokens: &[TokenTree], i: usize) -> bool {
    let colon = |i: usize| matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(i + 1) && colon(i + 2)
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item::*;
    match item {
        Const(i) => &i.attrs,
        Enum(i) => &i.attrs,
        Fn(i) => &i.attrs,
        Impl(i) => &i.attrs,
        Macro(i) => &i.attrs,
        Mod(i) => &i.attrs,
        Static(i) => &i.attrs,
        Struct(i) => &i.attrs,
        Trait(i) => &i.attrs,
        Type(i) => &i.attrs,
        Use(i) => &i.attrs,
        _ => &[],
    }
}

/// Walks one file.
struct Reader<'a> {
    source: &'a mut Source,
    module: Vec<String>,
    file: File,
}

impl Reader<'_> {
    /// Makes the current module known.
    fn enter(&mut self) {
        let file = self.source.files.len();
        self.source.modules.entry(self.module.clone()).or_default().file = file;
    }

    fn current(&mut self) -> &mut Module {
        self.source.modules.entry(self.module.clone()).or_default()
    }

    fn refer(&mut self, path: Vec<String>, line: usize) {
        self.file.references.push(Reference { module: self.module.clone(), path, line });
    }

    /// The paths of a `use`, each with the name that it gets here.
    fn import(&mut self, tree: &syn::UseTree, before: &[String], line: usize) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), line),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, tree.span().start().line);
                }
            }
            syn::UseTree::Glob(_) => {
                self.current().globs.push(before.to_vec());
                self.refer(before.to_vec(), line);
            }
            syn::UseTree::Name(name) => self.bind(&name.ident.to_string(), with(&name.ident), line),
            syn::UseTree::Rename(name) => {
                self.bind(&name.rename.to_string(), with(&name.ident), line);
            }
        }
    }

    fn bind(&mut self, name: &str, mut path: Vec<String>, line: usize) {
        let mut name = name.to_owned();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
            if name == "self" {
                name.clone_from(&path[path.len() - 1]);
            }
        }
        self.current().imported.insert(name, path.clone());
        self.refer(path, line);
    }

    /// Paths such as `crate::a::B` among the words of a macro, which may not be Rust yet.
    fn words(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut i = 0;
        while i < tokens.len() {
            match &tokens[i] {
                TokenTree::Group(group) => self.words(group.stream()),
                TokenTree::Ident(first) => {
                    let line = first.span().start().line;
                    let mut path = vec![first.to_string()];
                    while let Some(TokenTree::Ident(next)) =
                        is_path(&tokens, i).then(|| tokens.get(i + 3)).flatten()
                    {
                        path.push(next.to_string());
                        i += 3;
                    }
                    if path.len() > 1 && ["crate", "super", "self"].contains(&path[0].as_str()) {
                        self.refer(path, line);
                    }
                }
                _ => {}
            }
            i += 1;
        }
    }

    /// The modules and re-exports that `parts! { room: kind { file::Part, file::{Part, Other} } }` makes.
    fn parts(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut room = String::new();
        for (i, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(name) if matches!(tokens.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == ':') =>
                {
                    room = name.to_string();
                }
                TokenTree::Group(list) if list.delimiter() == Delimiter::Brace => {
                    self.part_list(&room, list.stream());
                }
                _ => {}
            }
        }
    }

    fn part_list(&mut self, room: &str, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (i, token) in tokens.iter().enumerate() {
            let TokenTree::Ident(file) = token else { continue };
            if !is_path(&tokens, i) {
                continue;
            }
            let names = match tokens.get(i + 3) {
                Some(TokenTree::Group(group)) => group.stream(),
                Some(name) => TokenStream::from(name.clone()),
                None => continue,
            };
            for name in names {
                if let TokenTree::Ident(name) = name {
                    let path = [room.to_owned(), file.to_string(), name.to_string()].to_vec();
                    self.bind(&name.to_string(), path, name.span().start().line);
                }
            }
        }
    }

    fn function(&mut self, name: &syn::Ident, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let lines = block.span().end().line + 1 - first;
        self.file.functions.push((name.to_string(), first, lines));
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            let span = item.span();
            self.file.lines -= span.end().line + 1 - span.start().line;
            return;
        }
        let name = match item {
            syn::Item::Const(i) => Some(&i.ident),
            syn::Item::Enum(i) => Some(&i.ident),
            syn::Item::Fn(i) => Some(&i.sig.ident),
            syn::Item::Macro(i) => i.ident.as_ref(),
            syn::Item::Static(i) => Some(&i.ident),
            syn::Item::Struct(i) => Some(&i.ident),
            syn::Item::Trait(i) => Some(&i.ident),
            syn::Item::Type(i) => Some(&i.ident),
            _ => None,
        };
        if let Some(name) = name {
            let name = name.to_string();
            // An exported macro is reached through the crate's root.
            if attributes(item).iter().any(|a| a.path().is_ident("macro_export")) {
                let path =
                    [&["crate".to_owned()], &self.module[..], std::slice::from_ref(&name)].concat();
                let root = self.source.modules.entry(Vec::new()).or_default();
                root.imported.insert(name.clone(), path);
            }
            self.current().defined.insert(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.module.push(item.ident.to_string());
            self.enter();
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], item.span().start().line);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig.ident, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig.ident, &item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    /// Who may see something is no import.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let names = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.refer(names, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let path: Vec<String> = item.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let (module, line) = (self.module.clone(), item.span().start().line);
        self.file.macros.push(Reference { module, path, line });
        if item.path.segments.last().is_some_and(|s| s.ident == "parts") {
            self.parts(item.tokens.clone());
        }
        self.words(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}
