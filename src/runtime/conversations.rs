//! What the model still knows of the texts it wrote for a person: their keys and values, so that a
//! follow-up turn reads only what is new in it. Owns what is kept, for which adapter, and how much of
//! it; knows nothing of messages, templates or sessions. A conversation is tokens here.

use crate::model::lora::Lora;
use crate::model::network::KeyValueCache;
use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Conversations that are kept: the two that are held with two arms side by side.
const CONVERSATIONS: usize = 2;

/// Bytes that all of them together may take, their adapters included; the default model needs 45 KiB
/// a token. Of a longer conversation its beginning is kept.
const KEPT_BYTES: usize = 64 << 20;

/// Fewer tokens than these are read again sooner than looked for.
const WORTHWHILE: usize = 16;

/// The last conversations, newest first. Clones share them; they are gone with the last clone.
#[derive(Debug, Clone, Default)]
pub struct Conversations(Arc<Mutex<Vec<Conversation>>>);

/// A text that ended, prompt and answer.
#[derive(Debug)]
pub(super) struct Conversation {
    pub lora: Option<Arc<Lora>>,
    /// What is in the cache; more at the end does no harm.
    pub tokens: Vec<u32>,
    /// How many of the tokens were the prompt.
    pub prompt: usize,
    pub cache: KeyValueCache,
}

impl Conversations {
    /// Bytes held at the moment.
    pub fn bytes(&self) -> usize {
        self.kept().iter().map(Conversation::bytes).sum()
    }

    /// The longest known beginning of `prompt` under the same adapter, but never its last token: what
    /// comes after that is to be computed.
    pub(super) fn recall(&self, lora: Option<&Arc<Lora>>, prompt: &[u32]) -> Option<KeyValueCache> {
        let mut kept = self.kept();
        let (place, same) = kept
            .iter()
            .enumerate()
            .map(|(place, known)| (place, common(&known.tokens, prompt)))
            .filter(|(place, same)| *same >= WORTHWHILE && kept[*place].is_of(lora))
            .min_by_key(|(_, same)| Reverse(*same))?;
        let len = same.min(prompt.len() - 1);
        if len < WORTHWHILE {
            return None;
        }
        if same < kept[place].prompt {
            // Another conversation with the same system turn: the known one may go on as well.
            return Some(kept[place].cache.beginning(len, prompt.len() - len));
        }
        let mut cache = kept.remove(place).cache;
        cache.truncate(len);
        Some(cache)
    }

    /// Keeps a conversation, and of those before it what still has room.
    pub(super) fn keep(&self, newest: Conversation) {
        let mut kept = self.kept();
        kept.insert(0, newest);
        kept.truncate(CONVERSATIONS);
        let mut room = KEPT_BYTES;
        kept.retain_mut(|conversation| {
            let stays = conversation.shrink(room);
            room -= if stays { conversation.bytes() } else { 0 };
            stays
        });
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Conversation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conversation {
    /// By the values, if it is not the very same: an adapter is loaded anew for every answer, and one
    /// that was trained again may have kept its name.
    fn is_of(&self, lora: Option<&Arc<Lora>>) -> bool {
        match (&self.lora, lora) {
            (None, None) => true,
            (Some(own), Some(other)) => Arc::ptr_eq(own, other) || own == other,
            _ => false,
        }
    }

    fn bytes(&self) -> usize {
        self.cache.bytes() + self.tokens.capacity() * size_of::<u32>() + self.adapter_bytes()
    }

    fn adapter_bytes(&self) -> usize {
        self.lora.as_ref().map_or(0, |lora| lora.parameters.len() * size_of::<f32>())
    }

    /// Keeps as much of the beginning as `room` bytes hold; false if that is too little to be of use.
    fn shrink(&mut self, room: usize) -> bool {
        let token = self.cache.bytes_per_token() + size_of::<u32>();
        let tokens = room.saturating_sub(self.adapter_bytes()) / token;
        self.cache.truncate(tokens);
        self.cache.shrink_to_fit();
        self.tokens.truncate(self.cache.len());
        self.tokens.shrink_to_fit();
        self.prompt = self.prompt.min(self.tokens.len());
        self.tokens.len() >= WORTHWHILE
    }
}

/// How many tokens both begin with.
fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
