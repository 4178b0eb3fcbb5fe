//! Reading JSON in two steps: text to a tree, tree to a value of ours; every fault with its place.
//!
//! The tree is made once for all types, so that what serde derives for each of them stays small: the page is a third smaller
//! than with a reader that goes from text to value directly. A fault in the text has a line and a column, a fault in
//! the tree its path. A name that stands twice in an object is a fault: the first would be lost without a word.

use core::fmt;

use serde::Serialize;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde_json::{Map, Value};

use crate::limits;
use crate::problem::Problem;

/// Reads a value from JSON text.
///
/// # Errors
///
/// The first thing that is wrong: with its path, or, if the text is not JSON at all, its line and column.
pub fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    from_json_value(&parse_json(text)?)
}

/// Reads JSON text as a tree.
///
/// # Errors
///
/// What is not JSON, or a name that stands twice in an object, with line and column.
pub fn parse_json(text: &str) -> Result<Value, Problem> {
    let tree: Result<Tree, _> = serde_json::from_str(text);
    tree.map(|tree| tree.0)
        .map_err(|error| Problem::new("", error.to_string()))
}

/// Reads a value from a JSON tree.
///
/// # Errors
///
/// The first thing that is wrong, with its path and what is allowed there.
pub fn from_json_value<T: DeserializeOwned>(tree: &Value) -> Result<T, Problem> {
    T::deserialize(At(tree)).map_err(|fault| fault.0.problem())
}

/// Writes plain data as JSON, for people to read too.
///
/// # Panics
///
/// For a map whose keys are no texts, which no type of ours has.
pub fn write_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("plain data")
}

/// A tree in which no object has a name twice.
struct Tree(Value);

impl<'de> de::Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TreeVisitor).map(Self)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Tree(value)) = list.next_element()? {
            out.push(value);
        }
        Ok(out.into())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if out.contains_key(&name) {
                return Err(de::Error::custom(format_args!(
                    "'{name}' stands twice in one object"
                )));
            }
            if out.len() == limits::NAMES {
                return Err(de::Error::custom(format_args!(
                    "an object of more than {} names",
                    limits::NAMES
                )));
            }
            let Tree(value) = object.next_value()?;
            out.insert(name, value);
        }
        Ok(out.into())
    }
}

/// What is wrong in a tree. The path is gathered on the way out, the innermost step first.
#[derive(Debug)]
struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    message: String,
    path: Vec<String>,
}

impl Inner {
    fn problem(mut self) -> Problem {
        self.path.reverse();
        Problem::new(self.path.join(".").replace(".[", "["), self.message)
    }
}

impl Fault {
    fn within(mut self, step: impl Into<String>) -> Self {
        self.0.path.push(step.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Inner {
            message: message.to_string(),
            path: Vec::new(),
        }))
    }
}

/// A place in a tree, to be read.
#[derive(Clone, Copy)]
struct At<'a>(&'a Value);

impl At<'_> {
    fn is_not(self, expected: &dyn de::Expected) -> Fault {
        let found = match self.0 {
            Value::Null => Unexpected::Other("null"),
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => Unexpected::Unsigned(whole),
                (_, Some(whole)) => Unexpected::Signed(whole),
                _ => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Other("list"),
            Value::Object(_) => Unexpected::Other("object"),
        };
        de::Error::invalid_type(found, expected)
    }

    fn object<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Object(object) => visitor.visit_map(Object {
                rest: object.iter(),
                value: None,
            }),
            _ => Err(self.is_not(&"an object")),
        }
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Array(list) => visitor.visit_seq(List { list, at: 0 }),
            _ => Err(self.is_not(&"a list")),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => visitor.visit_u64(whole),
                (_, Some(whole)) => visitor.visit_i64(whole),
                _ => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            _ => Err(self.is_not(&visitor)),
        }
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => visitor.visit_str(text),
            _ => Err(self.is_not(&visitor)),
        }
    }
}

/// Each kind of value reads one kind of JSON, and no more code is made for it than that.
macro_rules! read_as {
    ($($method:ident)* => $read:ident) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.$read(visitor)
        }
    )* };
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Fault;

    read_as!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f32 deserialize_f64 => number);
    read_as!(deserialize_str deserialize_string deserialize_char deserialize_identifier deserialize_bytes
        deserialize_byte_buf => text);
    read_as!(deserialize_seq => list);
    read_as!(deserialize_map => object);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(_) => self.number(visitor),
            Value::String(text) => visitor.visit_str(text),
            Value::Array(_) => self.list(visitor),
            Value::Object(_) => self.object(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            _ => Err(self.is_not(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            _ => Err(self.is_not(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Array(list) if list.len() != length => {
                Err(de::Error::invalid_length(list.len(), &visitor))
            }
            _ => self.list(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.object(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (name, content) = match self.0 {
            Value::String(name) => (name, None),
            Value::Object(object) if object.len() == 1 => {
                let (name, content) = object.iter().next().expect("it has one");
                (name, Some(content))
            }
            _ => {
                return Err(de::Error::custom(format_args!(
                    "one of these is wanted, and only one: {}",
                    variants.join(", ")
                )));
            }
        };
        let within = |fault: Fault| match content {
            Some(_) => fault.within(name),
            None => fault,
        };
        visitor
            .visit_enum(Variant { name, content })
            .map_err(within)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

struct List<'a> {
    list: &'a [Value],
    at: usize,
}

impl<'de> de::SeqAccess<'de> for List<'_> {
    type Error = Fault;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.list.get(self.at) else {
            return Ok(None);
        };
        let here = self.at;
        self.at += 1;
        seed.deserialize(At(value))
            .map(Some)
            .map_err(|fault| fault.within(format!("[{here}]")))
    }
}

struct Object<'a> {
    rest: serde_json::map::Iter<'a>,
    value: Option<(&'a String, &'a Value)>,
}

impl<'de> de::MapAccess<'de> for Object<'_> {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.value = self.rest.next();
        let Some((name, _)) = self.value else {
            return Ok(None);
        };
        seed.deserialize(name.as_str().into_deserializer())
            .map(Some)
            .map_err(|fault: Fault| fault.within(name))
    }

    fn next_value_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (name, value) = self.value.expect("a key comes before its value");
        seed.deserialize(At(value))
            .map_err(|fault| fault.within(name))
    }
}

/// The variant of an enum, written as its name or as an object of its name and content.
struct Variant<'a> {
    name: &'a str,
    content: Option<&'a Value>,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Content<'a>;

    fn variant_seed<T: de::DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Content<'a>), Fault> {
        let variant = seed.deserialize(self.name.into_deserializer())?;
        Ok((variant, Content(self.content)))
    }
}

struct Content<'a>(Option<&'a Value>);

impl<'a> Content<'a> {
    fn there(self) -> Result<At<'a>, Fault> {
        let missing = || de::Error::custom("this wants an object with its settings");
        self.0.map(At).ok_or_else(missing)
    }
}

impl<'de> de::VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.0 {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(de::Error::custom(
                "this has no settings: its name is enough",
            )),
        }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.there()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.there()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.there()?.object(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its errors")]
    struct Thing {
        name: String,
        parts: Vec<Part>,
        #[serde(default)]
        at: Option<[f64; 2]>,
    }

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    #[expect(dead_code, reason = "read for its errors")]
    enum Part {
        Plain,
        Wheel { size: u32 },
        Load(f64),
    }

    #[test]
    fn what_is_right_is_read() {
        let text = r#"{"name": "a", "parts": ["plain", {"wheel": {"size": 1}}, {"load": 2}, {"load": 2.5}], "at": [1, 2.5]}"#;
        read_json::<Thing>(text).expect("right");
        read_json::<Thing>(r#"{"name": "a", "parts": [], "at": null}"#).expect("right");
    }

    #[test]
    fn faults_have_their_path() {
        let part = |part: &str| format!(r#"{{"name": "a", "parts": ["plain", {part}]}}"#);
        let names: Vec<String> = (0..3000).map(|n| format!("\"n{n}\": 0")).collect();
        let many = format!("{{{}}}", names.join(","));
        for (text, path, message) in [
            (
                part(r#"{"wheel": {"size": "big"}}"#),
                "parts[1].wheel.size",
                "invalid type: string \"big\", expected u32",
            ),
            (
                part(r#"{"wheel": {"size": -1}}"#),
                "parts[1].wheel.size",
                "invalid value: integer `-1`, expected u32",
            ),
            (
                part(r#"{"wheel": {"sise": 2}}"#),
                "parts[1].wheel.sise",
                "unknown field",
            ),
            (
                part(r#"{"wheel": {}}"#),
                "parts[1].wheel",
                "missing field `size`",
            ),
            (part(r#""wheel""#), "parts[1]", "wants an object"),
            (
                part(r#"{"plain": {}}"#),
                "parts[1].plain",
                "has no settings",
            ),
            (
                part(r#"{"well": {}}"#),
                "parts[1].well",
                "unknown variant `well`, expected one of",
            ),
            (
                part(r#"{"wheel": {}, "load": 1}"#),
                "parts[1]",
                "only one: plain, wheel, load",
            ),
            (
                part(r#"{"load": []}"#),
                "parts[1].load",
                "invalid type: list, expected f64",
            ),
            (
                r#"{"name": "a", "parts": 7}"#.into(),
                "parts",
                "invalid type",
            ),
            (
                r#"{"name": "a", "parts": [], "at": [1]}"#.into(),
                "at",
                "invalid length 1",
            ),
            (
                r#"{"name": null, "parts": []}"#.into(),
                "name",
                "invalid type: null, expected a string",
            ),
            (r#"{"parts": []}"#.into(), "", "missing field `name`"),
            (
                r#"{"name": "a" "parts": []}"#.into(),
                "",
                "expected `,` or `}` at line 1 column 14",
            ),
            (
                "{\"a\": 1,\n \"a\": 2}".into(),
                "",
                "'a' stands twice in one object at line 2",
            ),
            (String::new(), "", "EOF"),
            (r#"{"name": "a\"#.into(), "", "EOF"),
            ("[".repeat(1000), "", "recursion limit exceeded"),
            (many, "", "an object of more than 2000 names"),
        ] {
            let problem = read_json::<Thing>(&text).expect_err(&text);
            assert_eq!(problem.path, path, "{problem}");
            assert!(problem.message.contains(message), "{problem}");
        }
    }
}
