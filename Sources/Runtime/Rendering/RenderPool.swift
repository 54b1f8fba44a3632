import Dispatch
import Foundation
import Synchronization

/// Threads for rendering, separate from the event loops and from the threads on which tasks run.
///
/// A publisher chooses what a bulletin costs to render. On an event loop, a costly one would hold up every connection
/// of that loop. On the pool of tasks, it would hold up everything that the worker does. Urgent work has a thread of
/// its own, so it never queues behind work that is not urgent.
///
/// An example on eight processors: four threads render ordinary content and a fifth renders emergencies. Ten large
/// bulletins that take a second each occupy the four threads for three seconds. Meanwhile the event loops answer as
/// before, and an emergency is rendered immediately.
package final class RenderPool: Sendable {
    /// A piece of work that waits for a thread.
    private struct Job {
        let number: Int
        let run: @Sendable () -> Void
        /// Called instead of `run` when nobody waits for the result any more.
        let drop: @Sendable () -> Void
    }

    /// The threads for one kind of work, and the jobs that wait for them.
    private struct Lane {
        /// Idle serial queues, each of which has its own thread while it works.
        var free: [DispatchQueue]
        var waiting: [Job] = []
    }

    private struct State {
        var urgent: Lane
        var others: Lane
        var jobs = 0

        subscript(isUrgent: Bool) -> Lane {
            get { isUrgent ? urgent : others }
            _modify { if isUrgent { yield &urgent } else { yield &others } }
        }
    }

    private let state: Mutex<State>

    /// Uses half of the processors for rendering, at least one, and leaves the others to sending.
    package init(threads: Int = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)) {
        func lane(_ name: String, _ count: Int) -> Lane {
            Lane(free: (0..<count).map { DispatchQueue(label: "\(name).\($0)") })
        }
        state = Mutex(State(urgent: lane("render.urgent", 1), others: lane("render", threads)))
    }

    /// Runs `work` on one of the threads and returns its result. Nil if the task was cancelled before a thread took the
    /// work: a stop waits only for work under way.
    package func run<Value: Sendable>(isUrgent: Bool = false, _ work: @escaping @Sendable () -> Value) async -> Value? {
        let number = state.withLock { state in
            state.jobs += 1
            return state.jobs
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let job = Job(
                    number: number, run: { continuation.resume(returning: work()) },
                    drop: { continuation.resume(returning: nil) })
                add(job, isUrgent)
            }
        } onCancel: {
            remove(number, isUrgent)?.drop()
        }
    }

    private func add(_ job: Job, _ isUrgent: Bool) {
        let isDropped = state.withLock { state in
            // If the cancellation came before this, its handler found nothing to remove.
            if Task.isCancelled { return true }
            state[isUrgent].waiting.append(job)
            return false
        }
        if isDropped { return job.drop() }
        pump(isUrgent)
    }

    private func remove(_ number: Int, _ isUrgent: Bool) -> Job? {
        state.withLock { state in
            state[isUrgent].waiting.firstIndex { $0.number == number }.map { state[isUrgent].waiting.remove(at: $0) }
        }
    }

    /// Gives the next job to a free thread, if there is a job and a thread.
    private func pump(_ isUrgent: Bool) {
        let next = state.withLock { state -> (DispatchQueue, Job)? in
            guard !state[isUrgent].waiting.isEmpty, let thread = state[isUrgent].free.popLast() else { return nil }
            return (thread, state[isUrgent].waiting.removeFirst())
        }
        guard let (thread, job) = next else { return }
        thread.async {
            job.run()
            self.state.withLock { $0[isUrgent].free.append(thread) }
            self.pump(isUrgent)
        }
    }
}
