//! A table under construction; finished, it is an Arrow record batch.

use std::sync::Arc;

use arrow_array::types::{UInt8Type, UInt16Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt8Array,
    UInt16Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use crate::units::Unit;

/// The names of a column's few values, in the order of their codes.
pub type Names = &'static [&'static str];

/// Columns of equal length with their names.
#[derive(Debug)]
pub struct Table {
    rows: usize,
    exact: bool,
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
}

impl Table {
    /// A table of `rows` rows; `exact` keeps integers where there are units otherwise.
    pub fn new(rows: usize, exact: bool) -> Table {
        Table { rows, exact, fields: Vec::new(), columns: Vec::new() }
    }

    /// Whether integers are wanted.
    pub fn exact(&self) -> bool {
        self.exact
    }

    fn push(&mut self, name: &str, kind: DataType, column: ArrayRef) {
        debug_assert_eq!(column.len(), self.rows, "{name}");
        self.fields.push(Field::new(name, kind, false));
        self.columns.push(column);
    }

    /// A column of whole numbers.
    pub fn int(&mut self, name: &str, values: impl Iterator<Item = i64>) {
        self.push(name, DataType::Int64, Arc::new(Int64Array::from_iter_values(values)));
    }

    /// A column of doubles.
    pub fn float(&mut self, name: &str, values: impl Iterator<Item = f64>) {
        self.push(name, DataType::Float64, Arc::new(Float64Array::from_iter_values(values)));
    }

    /// Counts of a unit: as they are, or in units.
    pub fn count(&mut self, name: &str, unit: Unit, counts: impl Iterator<Item = i64>) {
        if self.exact {
            self.int(name, counts);
        } else {
            self.float(name, counts.map(|n| unit.of(n)));
        }
    }

    /// The same where each has a unit of its own.
    pub fn counts(&mut self, name: &str, counts: impl Iterator<Item = (Unit, i64)>) {
        if self.exact {
            self.int(name, counts.map(|(_, n)| n));
        } else {
            self.float(name, counts.map(|(unit, n)| unit.of(n)));
        }
    }

    /// A finished column, shared.
    pub fn array(&mut self, name: &str, column: ArrayRef) {
        self.push(name, column.data_type().clone(), column);
    }

    /// A column with few values: codes, or codes with their names.
    pub fn named(&mut self, name: &str, names: Names, codes: impl Iterator<Item = u8>) {
        if self.exact {
            self.int(name, codes.map(i64::from));
            return;
        }
        self.codes(name, names, UInt8Array::from_iter_values(codes));
    }

    /// Codes with their names.
    pub fn codes(&mut self, name: &str, names: Names, codes: UInt8Array) {
        let kind = DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8));
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        // Codes come from enums whose names are listed beside them.
        if let Ok(column) = DictionaryArray::<UInt8Type>::try_new(codes, names) {
            self.push(name, kind, Arc::new(column));
        }
    }

    /// A column of names that a world gives: which of them.
    pub fn given(&mut self, name: &str, names: &[&str], codes: impl Iterator<Item = u16>) {
        let kind = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        // Every code is the place of a name.
        if let Ok(column) =
            DictionaryArray::<UInt16Type>::try_new(UInt16Array::from_iter_values(codes), names)
        {
            self.push(name, kind, Arc::new(column));
        }
    }

    /// The finished table.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.columns)
    }
}
