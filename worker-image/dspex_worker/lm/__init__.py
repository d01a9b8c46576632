"""Language models: our engines behind `dspy.LM`, and what a call of them is recorded as."""
