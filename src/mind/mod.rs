//! What to say next: script, policy, offers, dialogue. Pure computation on what was heard.
