//! A value to its postcard encoding: docs/PROTOCOL.md §3.2.
//!
//! postcard's own serializer indexes a slice for each varint, and so can't be proved free of panics
//! for a device. This one writes the same bytes (core/tests/laws/serialize.rs compares the two).
//!
//! ```text
//! bool, u8, i8      1 byte                         option    00, or 01 and the value
//! u16 … u128        varint, low 7 bits first       enum      varint of the variant's index, fields
//! i16 … i128        zigzag, then varint            sequence  varint of the length, elements
//! f32, f64          little-endian                  map       varint of the length, keys and values
//! str, bytes, char  varint of the length, bytes    unit, tuple, struct   their fields alone
//! ```

use core::fmt::{self, Display, Write as _};

use serde::ser::{self, Serialize};

use crate::out_buf::ByteWriter;

/// The value's own `Serialize` failed, or a sequence or map does not know its length.
#[derive(Debug)]
pub(crate) struct ValueError;

impl Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value can't be serialized")
    }
}

impl core::error::Error for ValueError {}

impl ser::Error for ValueError {
    fn custom<T: Display>(_message: T) -> Self {
        Self
    }
}

type Done = Result<(), ValueError>;

/// Writes what serde gives. What does not fit is lost, and the writer knows.
pub(crate) struct Serializer<'w, 'b>(pub(crate) &'w mut ByteWriter<'b>);

impl Serializer<'_, '_> {
    #[cfg_attr(feature = "small", inline(never))]
    fn varint(&mut self, value: u64) {
        let mut rest = value;
        while rest >= 0x80 {
            let [low, ..] = rest.to_le_bytes();
            self.0.put_byte(low | 0x80);
            rest >>= 7;
        }
        let [last, ..] = rest.to_le_bytes();
        self.0.put_byte(last);
    }

    fn varint_128(&mut self, value: u128) {
        let mut rest = value;
        loop {
            if let Ok(rest) = u64::try_from(rest) {
                return self.varint(rest);
            }
            let [low, ..] = rest.to_le_bytes();
            self.0.put_byte(low | 0x80);
            rest >>= 7;
        }
    }

    fn counted(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.0.put(bytes);
    }
}

/// Counts what is written to it.
struct Counter(u64);

impl fmt::Write for Counter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len() as u64);
        Ok(())
    }
}

impl fmt::Write for Serializer<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}

impl ser::Serializer for Serializer<'_, '_> {
    type Ok = ();
    type Error = ValueError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Done {
        self.serialize_u8(u8::from(value))
    }

    fn serialize_u8(self, value: u8) -> Done {
        self.0.put_byte(value);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_u8(value.cast_unsigned())
    }

    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(mut self, value: u64) -> Done {
        self.varint(value);
        Ok(())
    }

    fn serialize_u128(mut self, value: u128) -> Done {
        self.varint_128(value);
        Ok(())
    }

    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Done {
        self.serialize_u64(((value << 1) ^ (value >> 63)).cast_unsigned())
    }

    fn serialize_i128(self, value: i128) -> Done {
        self.serialize_u128(((value << 1) ^ (value >> 127)).cast_unsigned())
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.0.put(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Done {
        self.0.put(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Done {
        self.counted(value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.serialize_u8(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.0.put_byte(1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &str, index: u32, _variant: &str) -> Done {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &str,
        index: u32,
        _variant: &str,
        value: &T,
    ) -> Done {
        self.varint(index.into());
        value.serialize(self)
    }

    fn serialize_seq(mut self, len: Option<usize>) -> Result<Self, ValueError> {
        self.varint(len.ok_or(ValueError)? as u64);
        Ok(self)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self, ValueError> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _name: &str, _len: usize) -> Result<Self, ValueError> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        mut self,
        _name: &str,
        index: u32,
        _variant: &str,
        _len: usize,
    ) -> Result<Self, ValueError> {
        self.varint(index.into());
        Ok(self)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, ValueError> {
        self.serialize_seq(len)
    }

    fn serialize_struct(self, _name: &str, _len: usize) -> Result<Self, ValueError> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, ValueError> {
        self.serialize_tuple_variant(name, index, variant, len)
    }

    /// Formatted twice: the length stands before the text.
    fn collect_str<T: Display + ?Sized>(mut self, value: &T) -> Done {
        let mut counter = Counter(0);
        write!(counter, "{value}").map_err(|_| ValueError)?;
        self.varint(counter.0);
        write!(self, "{value}").map_err(|_| ValueError)
    }
}

/// Elements one behind another: serde has a trait for each kind of compound value.
macro_rules! compound {
    ($($trait:ident: $method:ident($($key:ident)?);)*) => {$(
        impl ser::$trait for Serializer<'_, '_> {
            type Ok = ();
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Done {
                value.serialize(Serializer(self.0))
            }

            fn end(self) -> Done {
                Ok(())
            }
        }
    )*};
}

compound! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(_name);
    SerializeStructVariant: serialize_field(_name);
}

impl ser::SerializeMap for Serializer<'_, '_> {
    type Ok = ();
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        key.serialize(Serializer(self.0))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(Serializer(self.0))
    }

    fn end(self) -> Done {
        Ok(())
    }
}
