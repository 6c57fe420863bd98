"""What people read: stored codes become sentences, in their language, when they are read.

The words, in English and in Chinese
    reasons, happenings, fact_words, trouble_words

What is made of them, and what is said first
    sentences, foremost
"""
