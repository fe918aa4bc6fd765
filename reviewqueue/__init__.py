"""People's side and the front door: who may do what, the queue, the verdicts, the desk."""
