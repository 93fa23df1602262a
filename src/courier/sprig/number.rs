//! Numbers. Whatever comes is made one first; what is none is nought.
use super::super::template::show;
use super::Table;
use super::args::{Answer, bearable, exactly, first, int};
use super::text::signed;
use gotmpl::Value;
use rand::RngExt;

pub(super) const TABLE: Table = &[
    ("atoi", |_, args| {
        let [text] = exactly(args)?;
        let text = super::args::string(text)?;
        Ok(Value::Int(text.parse().unwrap_or(0)))
    }),
    ("int", |_, args| {
        exactly(args).map(|[value]| Value::Int(whole(value)))
    }),
    ("int64", |_, args| {
        exactly(args).map(|[value]| Value::Int(whole(value)))
    }),
    ("float64", |_, args| {
        exactly(args).map(|[value]| Value::Float(float(value)))
    }),
    ("toDecimal", |_, args| {
        let [value] = exactly(args)?;
        let number = i64::from_str_radix(&show::text(value), 8);
        Ok(Value::Int(number.unwrap_or(0)))
    }),
    ("seq", |_, args| seq(args).map(Value::from)),
    ("until", |_, args| {
        let [count] = exactly(args)?;
        let count = int(count)?;
        Ok(listed(&steps(0, count, if count < 0 { -1 } else { 1 })?))
    }),
    ("untilStep", |_, args| {
        let [start, stop, step] = exactly(args)?;
        Ok(listed(&steps(int(start)?, int(stop)?, int(step)?)?))
    }),
    ("add1", |_, args| {
        exactly(args).map(|[value]| Value::Int(whole(value).wrapping_add(1)))
    }),
    ("add", |_, args| {
        let sum = args
            .iter()
            .fold(0_i64, |sum, value| sum.wrapping_add(whole(value)));
        Ok(Value::Int(sum))
    }),
    ("sub", |_, args| {
        exactly(args).map(|[a, b]| Value::Int(whole(a).wrapping_sub(whole(b))))
    }),
    ("div", |_, args| divided(args, i64::wrapping_div)),
    ("mod", |_, args| divided(args, i64::wrapping_rem)),
    ("mul", |_, args| {
        let (head, tail) = first(args)?;
        let product = tail.iter().fold(whole(head), |product, value| {
            product.wrapping_mul(whole(value))
        });
        Ok(Value::Int(product))
    }),
    ("randInt", |env, args| {
        let [least, most] = exactly(args)?;
        let (least, most) = (int(least)?, int(most)?);
        if least >= most {
            return Err("there is no number between these two".to_owned());
        }
        Ok(Value::Int(env.dice().random_range(least..most)))
    }),
    ("add1f", |_, args| {
        let [value] = exactly(args)?;
        Ok(decimal(
            float(value),
            &[Value::Int(1)],
            Decimal::plus,
            |a, b| a + b,
        ))
    }),
    ("addf", |_, args| {
        Ok(decimal(0.0, args, Decimal::plus, |a, b| a + b))
    }),
    ("subf", |_, args| {
        let (head, tail) = first(args)?;
        Ok(decimal(float(head), tail, Decimal::minus, |a, b| a - b))
    }),
    ("divf", |_, args| {
        let (head, tail) = first(args)?;
        if tail.iter().any(|value| float(value) == 0.0) {
            return Err("a division by zero".to_owned());
        }
        Ok(decimal(float(head), tail, Decimal::over, |a, b| a / b))
    }),
    ("mulf", |_, args| {
        let (head, tail) = first(args)?;
        Ok(decimal(float(head), tail, Decimal::times, |a, b| a * b))
    }),
    ("biggest", |_, args| extreme(args, i64::max)),
    ("max", |_, args| extreme(args, i64::max)),
    ("min", |_, args| extreme(args, i64::min)),
    ("maxf", |_, args| extreme_float(args, f64::max)),
    ("minf", |_, args| extreme_float(args, f64::min)),
    ("ceil", |_, args| {
        exactly(args).map(|[value]| Value::Float(float(value).ceil()))
    }),
    ("floor", |_, args| {
        exactly(args).map(|[value]| Value::Float(float(value).floor()))
    }),
    ("round", |_, args| round(args)),
];

/// Texts are read as Go's literals are: `0x10`, `010`, `0b1`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a number is cut off as there"
)]
pub(super) fn whole(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Uint(number) => number.cast_signed(),
        Value::Float(number) => *number as i64,
        Value::Bool(on) => i64::from(*on),
        Value::String(text) => literal(text),
        _ => 0,
    }
}

fn literal(text: &str) -> i64 {
    // What stands behind a point is cut off.
    let text = match text.split_once('.') {
        Some((whole, behind)) if behind.bytes().all(|b| b.is_ascii_digit()) => whole,
        _ => text,
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.starts_with(['+', '-']) {
        return 0;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "as there")]
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Uint(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(on) => f64::from(u8::from(*on)),
        Value::String(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, String> {
    let is_forward = stop >= start;
    if (is_forward && step <= 0) || (!is_forward && step >= 0) {
        return Ok(vec![]);
    }
    let count = i128::from(stop)
        .abs_diff(i128::from(start))
        .div_ceil(u128::from(step.unsigned_abs()));
    let count = bearable(i64::try_from(count).unwrap_or(i64::MAX))?;
    Ok((0..count)
        .map(|index| start.wrapping_add(step.wrapping_mul(signed(index))))
        .collect())
}

fn listed(numbers: &[i64]) -> Value {
    numbers
        .iter()
        .map(|number| Value::Int(*number))
        .collect::<Vec<_>>()
        .into()
}

fn seq(args: &[Value]) -> Result<String, String> {
    let numbers: Vec<i64> = args.iter().map(int).collect::<Result<_, _>>()?;
    let toward = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let found = match numbers[..] {
        [end] => {
            let step = toward(1, end);
            steps(1, end.saturating_add(step), step)?
        }
        [start, end] => {
            let step = toward(start, end);
            steps(start, end.saturating_add(step), step)?
        }
        [start, step, end] if end >= start || step <= 0 => {
            steps(start, end.saturating_add(toward(start, end)), step)?
        }
        _ => vec![],
    };
    let found: Vec<_> = found.iter().map(i64::to_string).collect();
    Ok(found.join(" "))
}

fn divided(args: &[Value], f: fn(i64, i64) -> i64) -> Answer {
    let [a, b] = exactly(args)?;
    match whole(b) {
        0 => Err("a division by zero".to_owned()),
        b => Ok(Value::Int(f(whole(a), b))),
    }
}

fn extreme(args: &[Value], f: fn(i64, i64) -> i64) -> Answer {
    let (head, tail) = first(args)?;
    Ok(Value::Int(
        tail.iter()
            .fold(whole(head), |best, value| f(best, whole(value))),
    ))
}

fn extreme_float(args: &[Value], f: fn(f64, f64) -> f64) -> Answer {
    let (head, tail) = first(args)?;
    Ok(Value::Float(
        tail.iter()
            .fold(float(head), |best, value| f(best, float(value))),
    ))
}

fn round(args: &[Value]) -> Answer {
    let (value, places, limit) = match args {
        [value, places] => (value, places, 0.5),
        [value, places, limit] => (value, places, float(limit)),
        _ => return Err("takes two or three arguments".to_owned()),
    };
    let places = i32::try_from(int(places)?).map_err(|_| "too many places".to_owned())?;
    let power = 10_f64.powi(places);
    let digits = power * float(value);
    let rounded = if digits.fract() >= limit {
        digits.ceil()
    } else {
        digits.floor()
    };
    Ok(Value::Float(rounded / power))
}

/// A number as people write it, so that 0.1 and 0.2 are 0.3.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    /// How many of them stand behind the point.
    places: u32,
}

/// So many places a quotient has.
const QUOTIENT_PLACES: u32 = 16;

impl Decimal {
    fn of(number: f64) -> Option<Self> {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let behind = digits.split_once('.').map_or(0, |(_, behind)| behind.len());
        let digits: i128 = digits.replace('.', "").parse().ok()?;
        let places = i32::try_from(behind).ok()? - exponent;
        if places >= 0 {
            return Some(Self {
                digits,
                places: places.unsigned_abs(),
            });
        }
        let digits = digits.checked_mul(10_i128.checked_pow(places.unsigned_abs())?)?;
        Some(Self { digits, places: 0 })
    }
    fn scaled(self, places: u32) -> Option<i128> {
        self.digits
            .checked_mul(10_i128.checked_pow(places - self.places)?)
    }
    fn plus(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let digits = self.scaled(places)?.checked_add(other.scaled(places)?)?;
        Some(Self { digits, places })
    }
    fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self {
            digits: -other.digits,
            ..other
        })
    }
    fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        Some(Self {
            digits,
            places: self.places + other.places,
        })
    }
    fn over(self, other: Self) -> Option<Self> {
        let over = self
            .digits
            .checked_mul(10_i128.checked_pow(QUOTIENT_PLACES + other.places)?)?;
        let under = other
            .digits
            .checked_mul(10_i128.checked_pow(self.places)?)?;
        let (digits, rest) = (over.checked_div(under)?, over.checked_rem(under)?);
        // Half is rounded away from zero.
        let up = i128::from(rest.unsigned_abs().checked_mul(2)? >= under.unsigned_abs());
        let up = if (over < 0) == (under < 0) { up } else { -up };
        Some(Self {
            digits: digits.checked_add(up)?,
            places: QUOTIENT_PLACES,
        })
    }
    fn number(self) -> Option<f64> {
        format!("{}e-{}", self.digits, self.places).parse().ok()
    }
}

type Step = fn(Decimal, Decimal) -> Option<Decimal>;

/// One after the other with decimals; what is too large for them is reckoned in floats.
fn decimal(start: f64, values: &[Value], exact: Step, rough: fn(f64, f64) -> f64) -> Value {
    let mut sum = Decimal::of(start);
    for value in values {
        sum = match (sum, Decimal::of(float(value))) {
            (Some(a), Some(b)) => exact(a, b),
            _ => None,
        };
    }
    let exact = sum.and_then(Decimal::number);
    let rough = || {
        values
            .iter()
            .fold(start, |sum, value| rough(sum, float(value)))
    };
    Value::Float(exact.unwrap_or_else(rough))
}
