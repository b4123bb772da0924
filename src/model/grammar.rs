//! Answers that keep to a grammar: which tokens may come next, so that whatever a model writes parses.
//! Owns the way from a regular expression over text to a mask over tokens (by llguidance); knows nothing
//! of what the text means.
//!
//! A text that goes on for ever would never parse. So a mask knows how many tokens are left: near the
//! end only those that close what is open stay allowed.

use super::Tokenizer;
use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, SimpleVob, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use std::sync::{Arc, Mutex, PoisonError};

/// Tokens at the end of a budget that go into closing what is open. An action has few arguments, and each
/// closes within a handful of tokens.
pub const CLOSING_TOKENS: usize = 64;

/// Tokens longer than this are never offered (bytes): no word of an action is, and the tree of tokens
/// is only so deep.
const LONGEST_TOKEN: usize = 200;

/// Why a grammar cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the grammar of the answer cannot be used: {0}")]
pub struct GrammarError(String);

fn unusable(error: impl std::fmt::Display) -> GrammarError {
    GrammarError(error.to_string())
}

/// Makes grammars for one model. Costs a pass over its vocabulary, once.
pub struct GrammarCompiler {
    factory: ParserFactory,
    closing: Arc<SimpleVob>,
}

impl std::fmt::Debug for GrammarCompiler {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("GrammarCompiler")
    }
}

impl GrammarCompiler {
    /// `vocabulary` is the number of logits, which may be more than the tokenizer has tokens.
    ///
    /// # Errors
    /// When the model has no token that ends a turn.
    pub fn new(tokenizer: &Tokenizer, vocabulary: usize) -> Result<Self, GrammarError> {
        let end = tokenizer.ends_of_turn().next().or_else(|| tokenizer.eos());
        let end = end.ok_or_else(|| unusable("the model has no token that ends a turn"))?;
        let words: Vec<Vec<u8>> = (0..vocabulary as u32)
            .map(|id| match tokenizer.is_special(id) {
                // llguidance's mark of tokens that are no text.
                true => [&[TokTrie::SPECIAL_TOKEN_MARKER], format!("<{id}>").as_bytes()].concat(),
                false => tokenizer.bytes_of(id),
            })
            .map(|word| if word.len() > LONGEST_TOKEN { Vec::new() } else { word })
            .collect();
        let mut closing = SimpleVob::alloc(vocabulary);
        for (id, word) in words.iter().enumerate() {
            if closes(word) {
                closing.allow_token(id as u32);
            }
        }
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, end), &words);
        let tokens: Arc<dyn llguidance::toktrie::TokenizerEnv + Sync> =
            Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&tokens).map_err(unusable)?;
        factory.quiet();
        Ok(Self { factory, closing: Arc::new(closing) })
    }

    /// The grammar of the texts that match `pattern`, whole; none of them may begin another.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn compile(&self, pattern: &str) -> Result<Grammar, GrammarError> {
        let parser = self.factory.create_parser(TopLevelGrammar::from_regex(pattern));
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            Some(error) => Err(unusable(error)),
            None => Ok(Grammar {
                pattern: pattern.to_owned(),
                start: Mutex::new(matcher),
                closing: self.closing.clone(),
            }),
        }
    }
}

/// Whether a token ends the string that it stands in: it has a quote that no backslash before it makes
/// text. Commas and braces do not count, since inside a string they are text like any other.
fn closes(word: &[u8]) -> bool {
    let mut escaped = false;
    word.iter().any(|byte| {
        let quote = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        quote
    })
}

/// What a text has to match.
pub struct Grammar {
    pattern: String,
    /// Before the first token. Its lexer remembers what earlier texts went through.
    start: Mutex<Matcher>,
    closing: Arc<SimpleVob>,
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Grammar({:?})", self.pattern)
    }
}

impl PartialEq for Grammar {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Grammar {}

impl Grammar {
    /// A text that begins.
    pub fn begin(&self) -> Matching {
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        Matching { matcher: start.clone(), closing: self.closing.clone() }
    }
}

/// A text on its way through a grammar.
pub struct Matching {
    matcher: Matcher,
    closing: Arc<SimpleVob>,
}

impl Matching {
    /// Leaves only the logits of tokens that may come next; `left` is how many tokens may still be
    /// written.
    ///
    /// # Errors
    /// When the grammar is too costly to follow.
    pub fn restrict(&mut self, logits: &mut [f32], left: usize) -> Result<(), GrammarError> {
        let mut allowed = self.matcher.compute_mask().map_err(unusable)?;
        if left <= CLOSING_TOKENS && !allowed.and_is_zero(&self.closing) {
            allowed.and(&self.closing);
        }
        let mut best = f32::NEG_INFINITY;
        for (id, logit) in logits.iter_mut().enumerate() {
            match id < allowed.len() && allowed.is_allowed(id as u32) {
                true => best = best.max(*logit),
                false => *logit = f32::NEG_INFINITY,
            }
        }
        // Broken logits must not lead out of the grammar.
        if !best.is_finite()
            && let Some(first) = allowed.first_bit_set()
            && let Some(logit) = logits.get_mut(first)
        {
            *logit = f32::MAX;
        }
        Ok(())
    }

    /// Takes the token that was chosen; true when the text is complete.
    ///
    /// # Errors
    /// When the token was not allowed.
    pub fn accept(&mut self, token: u32) -> Result<bool, GrammarError> {
        self.matcher.consume_token(token).map_err(unusable)?;
        self.matcher.is_accepting().map_err(unusable)
    }
}
