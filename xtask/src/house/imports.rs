// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Import circles inside a crate: files that use each other's items, directly or through other files.
//!
//! A file uses another one if a path in it (`crate::a::Item`, `super::item()`, a name brought in by `use`) leads to an
//! item that the other file defines. A `pub use` only passes a name on and is no use of its own: a path through it leads to
//! the file that defines the item. What a module uses of the modules it lies in does not count either: a folder's
//! `mod.rs` and the files below it are one room, which may share a type or a helper. Modules that are compiled for tests only are left out, since a test may use everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use syn::visit::Visit;
use syn::{Item, UseTree};

use super::relative;

/// Index of a module in its crate.
type Id = usize;

/// How many `use` declarations a name may lead through before it counts as unresolvable.
const REEXPORTS: usize = 16;

/// A module of a crate.
struct Module {
    /// Index into [`Crate::files`].
    file: usize,
    parent: Option<Id>,
    children: BTreeMap<String, Id>,
    defined: BTreeSet<String>,
    /// Names brought in by `use`, with their full paths.
    imported: BTreeMap<String, Vec<String>>,
    /// Paths of `use path::*`.
    globs: Vec<Vec<String>>,
}

/// The module tree of one crate target.
struct Crate {
    files: Vec<PathBuf>,
    modules: Vec<Module>,
    /// Paths that each module mentions, still relative to it.
    mentioned: Vec<(Id, Vec<String>)>,
}

impl Crate {
    fn read(root: &Path) -> Result<Self> {
        let mut this = Self {
            files: Vec::new(),
            modules: Vec::new(),
            mentioned: Vec::new(),
        };
        let dir = root.parent().unwrap_or(root).to_owned();
        this.file(root, &dir, None)?;
        Ok(this)
    }

    /// Adds a file as a module; its own modules are looked for in `dir`.
    fn file(&mut self, path: &Path, dir: &Path, parent: Option<Id>) -> Result<Id> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let syntax =
            syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
        self.files.push(path.to_owned());
        let id = self.module(self.files.len() - 1, parent);
        self.items(id, &syntax.items, dir)?;
        Ok(id)
    }

    fn module(&mut self, file: usize, parent: Option<Id>) -> Id {
        self.modules.push(Module {
            file,
            parent,
            children: BTreeMap::new(),
            defined: BTreeSet::new(),
            imported: BTreeMap::new(),
            globs: Vec::new(),
        });
        self.modules.len() - 1
    }

    fn items(&mut self, id: Id, items: &[Item], dir: &Path) -> Result<()> {
        for item in items {
            match item {
                Item::Mod(module) if is_for_tests(&module.attrs) => {}
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let below = dir.join(&name);
                    let child = if let Some((_, items)) = &module.content {
                        let child = self.module(self.modules[id].file, Some(id));
                        self.items(child, items, &below)?;
                        child
                    } else {
                        let flat = dir.join(format!("{name}.rs"));
                        let file = if flat.is_file() {
                            flat
                        } else {
                            below.join("mod.rs")
                        };
                        self.file(&file, &below, Some(id))?
                    };
                    self.modules[id].children.insert(name, child);
                }
                Item::Use(item) => {
                    let reexport = !matches!(item.vis, syn::Visibility::Inherited);
                    self.uses(id, &item.tree, Vec::new(), reexport);
                }
                _ => {
                    if let Some(name) = name_of(item) {
                        self.modules[id].defined.insert(name);
                    }
                    let mut paths = Paths::default();
                    paths.visit_item(item);
                    self.mentioned
                        .extend(paths.found.into_iter().map(|path| (id, path)));
                }
            }
        }
        Ok(())
    }

    fn uses(&mut self, id: Id, tree: &UseTree, mut path: Vec<String>, reexport: bool) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.uses(id, &tree.tree, path, reexport);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.uses(id, tree, path.clone(), reexport);
                }
            }
            UseTree::Glob(_) => self.modules[id].globs.push(path),
            UseTree::Name(name) => self.import(id, path, &name.ident, &name.ident, reexport),
            UseTree::Rename(name) => self.import(id, path, &name.ident, &name.rename, reexport),
        }
    }

    fn import(
        &mut self,
        id: Id,
        mut path: Vec<String>,
        name: &syn::Ident,
        as_name: &syn::Ident,
        reexport: bool,
    ) {
        let as_name = if name == "self" {
            path.last().cloned().unwrap_or_default()
        } else {
            path.push(name.to_string());
            as_name.to_string()
        };
        if !reexport {
            self.mentioned.push((id, path.clone()));
        }
        self.modules[id].imported.insert(as_name, path);
    }

    /// Returns the file that defines what `path` names, as seen from module `from`; `None` for other crates' items and
    /// for paths that end at a module.
    fn defines(&self, from: Id, path: &[String], depth: usize) -> Option<usize> {
        let (first, mut rest) = path.split_first()?;
        let mut at = from;
        match first.as_str() {
            "crate" => at = 0,
            "self" => {}
            "super" => at = self.modules[at].parent?,
            _ => rest = path,
        }
        while let Some((name, after)) = rest.split_first() {
            let module = &self.modules[at];
            if name == "super" {
                at = module.parent?;
            } else if let Some(child) = module.children.get(name) {
                at = *child;
            } else if module.defined.contains(name) {
                return Some(module.file);
            } else if depth == REEXPORTS {
                return None;
            } else if let Some(target) = module.imported.get(name) {
                let full: Vec<String> = target.iter().chain(after).cloned().collect();
                // `use event::Event` may name a crate: it leads nowhere in here.
                return self.defines(at, &full, depth + 1);
            } else {
                return module.globs.iter().find_map(|glob| {
                    let full: Vec<String> = glob.iter().chain(rest).cloned().collect();
                    self.defines(at, &full, depth + 1)
                });
            }
            rest = after;
        }
        None
    }

    /// True if `file` is the module's own, or the file of a module around it.
    fn is_around(&self, file: usize, module: Id) -> bool {
        let mut at = Some(module);
        while let Some(id) = at {
            if self.modules[id].file == file {
                return true;
            }
            at = self.modules[id].parent;
        }
        false
    }

    /// Returns the groups of files that use each other in a circle.
    fn circles(&self) -> Vec<Vec<String>> {
        let mut graph = DiGraphMap::<usize, ()>::new();
        for (module, path) in &self.mentioned {
            let own = self.modules[*module].file;
            if let Some(other) = self.defines(*module, path, 0)
                && !self.is_around(other, *module)
            {
                graph.add_edge(own, other, ());
            }
        }
        let mut circles: Vec<Vec<String>> = tarjan_scc(&graph)
            .into_iter()
            .filter(|files| files.len() > 1)
            .map(|files| {
                let mut names: Vec<String> = files
                    .iter()
                    .map(|&file| relative(&self.files[file]))
                    .collect();
                names.sort();
                names
            })
            .collect();
        circles.sort();
        circles
    }
}

/// Collects the paths in an item, those in the arguments of macros included.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.found.push(
                path.segments
                    .iter()
                    .map(|part| part.ident.to_string())
                    .collect(),
            );
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let arguments = mac.parse_body_with(
            syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated,
        );
        if let Ok(arguments) = arguments {
            // The arguments live no longer than this call, unlike the visited tree; a visitor of their own takes them.
            let mut inner = Paths::default();
            arguments
                .iter()
                .for_each(|argument| inner.visit_expr(argument));
            self.found.extend(inner.found);
        }
        self.visit_path(&mac.path);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|word| word == "test")
    })
}

/// Returns the name that an item defines in its module.
fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Returns the root files of all crates of the workspace that are not tests.
fn roots() -> Result<Vec<PathBuf>> {
    let mut roots = Vec::new();
    for folder in ["crates", "examples", "tests/lab", "xtask"] {
        roots.extend(
            super::files(folder, &["src/lib.rs", "src/main.rs", "lib.rs", "main.rs"])?
                .into_iter()
                .filter(|path| path.parent().is_some_and(|dir| dir.ends_with("src"))),
        );
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_files_of_a_crate_import_each_other_in_a_circle() {
        let circles: Vec<String> = roots()
            .unwrap()
            .iter()
            .flat_map(|root| Crate::read(root).unwrap().circles())
            .map(|files| format!("  {}", files.join(" <-> ")))
            .collect();
        assert!(
            circles.is_empty(),
            "{} import circles; move what both sides need into a file below both:\n{}",
            circles.len(),
            circles.join("\n")
        );
    }

    #[test]
    fn a_circle_through_a_facade_is_found_and_a_facade_alone_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("lib.rs", "mod a;\nmod b;\npub use a::A;\n");
        write(
            "a.rs",
            "pub struct A;\npub fn make() -> crate::b::B { crate::b::B }\n",
        );
        write("b.rs", "pub struct B;\n");
        let read = || Crate::read(&dir.path().join("lib.rs")).unwrap().circles();
        assert!(read().is_empty());
        write("b.rs", "use crate::A;\npub struct B;\npub fn of(_: A) {}\n");
        assert_eq!(read().len(), 1);
    }
}
