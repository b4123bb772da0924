//! A conversation as the model was trained to read it: the template from its own files, rendered and
//! tokenized. Owns where turns begin and end; knows nothing of sessions or training examples.

mod guard;
mod hub_files;
mod json;
mod renderer;

use sha2::{Digest, Sha256};

use self::guard::Guard;
use self::renderer::Renderer;
use super::error::Result;
use super::gguf::Gguf;
use super::safetensors::SafetensorsFolder;
use super::tokenizer::{Fragment, Special, Tokenizer};
use crate::store::Message;

const CHAT_ML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const PLAIN: &str = "{% for message in messages %}{{ message['role'] | capitalize + ': ' + message['content'] }}{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n\n' }}{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}";

const CHAT_ML_TOKENS: [&str; 2] = ["<|im_start|>", "<|im_end|>"];

/// Where a template came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The model's files.
    Model,
    /// They have none, but the vocabulary has ChatML's tokens.
    ChatMl,
    /// They have none: "User: …", "Assistant: …". Probably not a model made for conversation; to
    /// be said to the user.
    Plain,
}

/// A model's chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    renderer: Renderer,
    text: String,
    origin: Origin,
}

/// The ids of a dialogue that ends in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The whole dialogue, up to and with the token that ends the answer's turn.
    pub ids: Vec<u32>,
    /// Where the answer begins in `ids`; before it lies the prompt as [`ChatTemplate::encode`] gives
    /// it with a generation prompt.
    pub answer_start: usize,
}

impl ChatTemplate {
    /// Takes the template from a model file, or a stated default when there is none.
    ///
    /// # Errors
    /// When the template is not valid.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let tokens = gguf.strings("tokenizer.ggml.tokens")?;
        let token = |name: &str| -> Result<Option<&str>> {
            let id = gguf.optional_usize(&format!("tokenizer.ggml.{name}_token_id"))?;
            Ok(id.and_then(|id| tokens.get(id).copied()))
        };
        let has_chat_ml = CHAT_ML_TOKENS.iter().all(|text| tokens.contains(text));
        let text = gguf.optional_str("tokenizer.chat_template")?.map(str::to_owned);
        Self::new(text, has_chat_ml, token("bos")?, token("eos")?)
    }

    /// Takes the template from a folder of the hub (`chat_template.jinja`, else `tokenizer_config.json`,
    /// else `chat_template.json`), or a stated default when there is none.
    ///
    /// # Errors
    /// When a file cannot be read, or the template is not valid.
    pub fn from_folder(folder: &SafetensorsFolder, tokenizer: &Tokenizer) -> Result<Self> {
        let text = hub_files::template(folder)?;
        let has_chat_ml = CHAT_ML_TOKENS.iter().all(|text| tokenizer.id_of(text).is_some());
        let token = |id: Option<u32>| id.map(|id| tokenizer.piece(id));
        let (bos, eos) = (token(tokenizer.bos()), token(tokenizer.eos()));
        Self::new(text, has_chat_ml, bos.as_deref(), eos.as_deref())
    }

    fn new(
        text: Option<String>,
        has_chat_ml: bool,
        bos: Option<&str>,
        eos: Option<&str>,
    ) -> Result<Self> {
        let (text, origin) = match text {
            Some(text) => (text, Origin::Model),
            None if has_chat_ml => (CHAT_ML.to_owned(), Origin::ChatMl),
            None => (PLAIN.to_owned(), Origin::Plain),
        };
        let renderer = Renderer::new(&text, bos, eos)?;
        Ok(Self { renderer, text, origin })
    }

    /// SHA-256 of the template's text, in hexadecimal: kept with every adapter, since one trained
    /// with another template answers badly without any error.
    pub fn hash(&self) -> String {
        Sha256::digest(self.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The template itself, as adapters carry it along.
    pub fn source_text(&self) -> &str {
        &self.text
    }

    /// Where the template came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The conversation as text, for people to look at.
    ///
    /// # Errors
    /// When the template refuses the conversation; the message is the template's own.
    pub fn text(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        self.text_with_tools(messages, &[], add_generation_prompt)
    }

    /// As [`ChatTemplate::text`], with tools that the assistant may call, each described in JSON as the
    /// model's makers ask for it (`{"type": "function", "function": {"name": …}}`). What they say and
    /// whether they are shown at all is the template's affair.
    ///
    /// # Errors
    /// When the template refuses the conversation; the message is the template's own.
    pub fn text_with_tools(
        &self,
        messages: &[Message],
        tools: &[serde_json::Value],
        add_generation_prompt: bool,
    ) -> Result<String> {
        self.renderer.render(messages, tools, add_generation_prompt)
    }

    /// The conversation as ids. Only the template's own text becomes control tokens, a message's
    /// content never does. Begins with the beginning-of-sequence token if the model expects one,
    /// whether or not the template writes it.
    ///
    /// # Errors
    /// When the template refuses the conversation.
    pub fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<Vec<u32>> {
        self.encode_with_tools(tokenizer, messages, &[], add_generation_prompt)
    }

    /// As [`ChatTemplate::encode`], with tools; neither their descriptions nor what is said to them and
    /// by them becomes control tokens.
    ///
    /// # Errors
    /// When the template refuses the conversation.
    pub fn encode_with_tools(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        tools: &[serde_json::Value],
        add_generation_prompt: bool,
    ) -> Result<Vec<u32>> {
        let guarded = Guard::new(messages, tools, &self.text, tokenizer.control_texts())?;
        let (guard, messages, tools) = guarded;
        let text = self.renderer.render(&messages, &tools, add_generation_prompt)?;
        let mut ids = Vec::new();
        for fragment in tokenizer.split_control(&text) {
            match fragment {
                Fragment::Special(id) => ids.push(id),
                Fragment::Text(text) => {
                    let first = ids.is_empty();
                    let text = guard.restore(text);
                    ids.extend(tokenizer.encode_part(&text, Special::AsText, first)?);
                }
            }
        }
        if let Some(bos) = tokenizer.bos().filter(|_| tokenizer.add_bos())
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// A dialogue with its answer, as training and scoring read it: the prompt's ids, then the
    /// answer's, ending with the token that ends the turn.
    ///
    /// The answer's ids are those that the template gives for the whole dialogue. Where a template
    /// writes a past answer otherwise than it lets the model write it (it adds or drops a thinking
    /// part, or tokens merge across the border), the ids are the prompt's, the answer's own and the
    /// end-of-turn token: what the model itself would have produced.
    ///
    /// # Errors
    /// When the template refuses the conversation.
    pub fn encode_answered(
        &self,
        tokenizer: &Tokenizer,
        messages_before: &[Message],
        answer: &str,
    ) -> Result<Answered> {
        let prompt = self.encode(tokenizer, messages_before, true)?;
        let mut messages = messages_before.to_vec();
        messages.push(Message::assistant(answer));
        let mut whole = self.encode(tokenizer, &messages, false)?;

        let answer_start = prompt.len();
        if let Some(tail) = whole.strip_prefix(prompt.as_slice())
            && let Some(end) = tail.iter().position(|&id| tokenizer.is_end_of_turn(id))
        {
            whole.truncate(answer_start + end + 1);
            return Ok(Answered { ids: whole, answer_start });
        }
        let end = whole.iter().rev().copied().find(|&id| tokenizer.is_end_of_turn(id));
        let mut ids = prompt;
        ids.extend(tokenizer.encode_part(answer, Special::AsText, false)?);
        ids.extend(end.or(tokenizer.eos()));
        Ok(Answered { ids, answer_start })
    }
}
