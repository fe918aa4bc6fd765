"""The review side: who may do what, the queue, the verdicts, the desk."""
