// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The fields that rules read of an object in canonical form.

use ambit_event::{Inet, Object, Port};

use crate::condition::{Number, Text};
use crate::facts::Facts;

impl Facts {
    /// Sets the fields of an object. An ephemeral port is 0, because the canonical form does not have it.
    pub fn set_object(&mut self, object: &Object) {
        self.set_number(Number::Kind, object.kind().into());
        self.set_text(Text::ObjectPath, path_text(object));
        match object {
            Object::Abstract(name) | Object::Word(name) => {
                self.set_text(Text::ObjectName, name.to_vec());
            }
            Object::Inet(Inet {
                protocol,
                address,
                port,
            }) => {
                self.set_text(Text::ObjectAddress, address.to_string().into_bytes());
                self.set_number(Number::Protocol, (*protocol).into());
                if let Port::Literal(port) = port {
                    self.set_number(Number::Port, (*port).into());
                }
            }
            Object::Unspec(protocol) => self.set_number(Number::Protocol, (*protocol).into()),
            Object::Socket {
                family,
                kind,
                protocol,
            } => {
                self.set_number(Number::Family, (*family).into());
                self.set_number(Number::SocketType, (*kind).into());
                self.set_number(Number::Protocol, (*protocol).into());
            }
            Object::Relation(relation) => {
                self.set_number(Number::Relation, relation.number().into());
            }
            Object::Ipc(kind) => self.set_number(Number::Relation, kind.number().into()),
            Object::Ids { effective, .. } => {
                self.set_number(Number::NewId, (*effective).into());
            }
            _ => {}
        }
    }
}

/// Returns the path of an object as conditions see it, `memfd:NAME` or `fs:TYPE`; empty for other objects.
pub fn path_text(object: &Object) -> Vec<u8> {
    match object {
        Object::Path(path) | Object::Deleted(path) | Object::Foreign(path) => path.with_names(),
        Object::Memfd(name) => [b"memfd:", &name[..]].concat(),
        Object::FsType(name) => [b"fs:", &name[..]].concat(),
        _ => Vec::new(),
    }
}
