"""Prints the scalars in the event files of a folder, as TensorBoard's own reader finds them: {tag: [[step, time, value]]}."""

import json
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, SCALARS

# Without the removal of steps that a later file repeats: there must be none. 0 keeps all events.
events = EventAccumulator(sys.argv[1], size_guidance={SCALARS: 0}, purge_orphaned_data=False).Reload()
scalars = {
    tag: [[event.step, event.wall_time, event.value] for event in events.Scalars(tag)]
    for tag in events.Tags()["scalars"]
}
json.dump({"version": events.file_version, "scalars": scalars}, sys.stdout)
