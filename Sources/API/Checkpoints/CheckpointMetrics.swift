// SPDX-License-Identifier: Apache-2.0

/// The checkpoints' part of `/metrics`.
enum CheckpointMetrics {
    static func write(_ metrics: inout MetricsText, _ view: CheckpointsView) {
        guard view.directory != nil else { return }
        metrics.family("nodekeep_checkpoint_jobs", .gauge, "Checkpoint jobs, by what they are doing.") { samples in
            samples.add(Double(view.running), ["state": "running"])
            samples.add(Double(view.queued), ["state": "queued"])
        }
        metrics.single(
            "nodekeep_checkpoint_frozen_containers", .gauge,
            "Containers that may stand still because of a checkpoint that went wrong; anything but 0 deserves a look.",
            Double(view.frozen.count))
        if let archives = view.archives, let bytes = view.bytes {
            metrics.single(
                "nodekeep_checkpoint_archives", .gauge, "Archives in the directory, whoever made them.",
                Double(archives))
            metrics.single("nodekeep_checkpoint_archive_bytes", .gauge, "Their size.", Double(bytes))
        }
        metrics.family(
            "nodekeep_checkpoint_attempts_total", .counter, "Checkpoints that have ended, by how.",
        ) { samples in
            for (outcome, count) in view.outcomes.sorted(by: { $0.key < $1.key }) {
                samples.add(Double(count), ["outcome": outcome])
            }
        }
        metrics.family(
            "nodekeep_checkpoint_phase_seconds_total", .counter,
            "Time spent in the phases of published checkpoints; frozen is part of dump."
        ) { samples in
            samples.add(view.totals.dumpSeconds, ["phase": "dump"])
            samples.add(view.totals.frozenSeconds, ["phase": "frozen"])
            samples.add(view.totals.verifySeconds, ["phase": "verify"])
            samples.add(view.totals.publishSeconds, ["phase": "publish"])
        }
        metrics.single(
            "nodekeep_checkpoint_published_bytes_total", .counter, "Bytes of published archives.",
            Double(view.totals.bytes))
    }
}
