//! Building and reading query strings.
use url::form_urlencoded;

/// What stands behind the question mark, in order. A name may repeat; lookups give the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `a=1&b=2`; `+` and `%20` are spaces. What is not UTF-8 becomes U+FFFD. As in Go, a pair with a semicolon or a
    /// `%` without two digits behind it is passed over.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| is_encoded(pair));
        Self(pairs.flat_map(decode).collect())
    }
    /// The same, but `None` if there is such a pair.
    #[must_use]
    pub fn strictly(query: &str) -> Option<Self> {
        query
            .split('&')
            .all(is_encoded)
            .then(|| Self(decode(query).collect()))
    }
    /// Of a whole URL or path.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let without_fragment = url.split_once('#').map_or(url, |(before, _)| before);
        without_fragment
            .split_once('?')
            .map_or_else(Self::default, |(_, query)| Self::parse(query))
    }
    /// The first value of that name, even if empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
    /// The first value of that name, if it is not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|v| !v.is_empty())
    }
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
    /// Replaces all values of the name by this one.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(n, _)| n != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }
    /// Drops all values of the name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }
    /// Calls the values of one name by another.
    pub fn rename(&mut self, from: &str, to: &str) {
        for (name, _) in &mut self.0 {
            if name == from {
                to.clone_into(name);
            }
        }
    }
    /// As Go's `url.Values.Encode`: sorted by name.
    #[must_use]
    pub fn encode_sorted(&self) -> String {
        let mut pairs = self.0.clone();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }
}

fn is_encoded(pair: &str) -> bool {
    !pair.contains(';') && escapes_are_whole(pair)
}

/// Every `%` is followed by two digits.
#[must_use]
pub fn escapes_are_whole(text: &str) -> bool {
    let mut behind = text.split('%').skip(1);
    behind.all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn decode(pairs: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(pairs.as_bytes()).into_owned()
}

/// The URL with these parameters set (replacing those of the same name), the query sorted by name,
/// as the reference writes every URL that it adds to.
#[must_use]
pub fn with(base: &str, query: &[(&str, &str)]) -> String {
    let (head, fragment) = base
        .split_once('#')
        .map_or((base, None), |(h, f)| (h, Some(f)));
    let (path, _) = head.split_once('?').unwrap_or((head, ""));
    let mut params = Params::of(head);
    for (name, value) in query {
        params.set(name, value);
    }
    let encoded = params.encode_sorted();
    let mut url = path.to_owned();
    if !encoded.is_empty() {
        url.push('?');
        url.push_str(&encoded);
    }
    if let Some(fragment) = fragment {
        url.push('#');
        url.push_str(fragment);
    }
    url
}

/// `base` and `path` with exactly one slash between.
#[must_use]
pub fn join(base: &str, path: &str) -> String {
    format!(
        "{}/{}",
        base.trim_end_matches('/'),
        path.trim_start_matches('/')
    )
}
