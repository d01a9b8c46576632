"""What the shop lets an agent do."""
