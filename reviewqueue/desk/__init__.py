"""The reviewer's desk: queues, the current item, its answers and the form they post."""
