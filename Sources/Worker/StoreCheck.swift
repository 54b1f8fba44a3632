// Checks that the store can be used.
//
// Reads:      whether the store's files are still the open ones, and whether they can be written.
// Writes:     nothing, except an unchanged row after a transaction has failed.
// Guarantees: while the store cannot be used, the worker is not ready; one line of the log says why and what to do, and
//             one says that the trouble is over (`StoreWatch`).
// On failure: reporting is its purpose; the stages retry with pauses of their own.

import ServiceLifecycle
import Storage

/// Detects troubles of the store even while nothing is written, and detects their end.
struct StoreCheck: Service {
    let store: any WatchedStore

    private static let poll = Duration.seconds(2)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var hasFailed = false
            while !Task.isCancelled {
                do throws(StoreError) {
                    try await store.check()
                    if hasFailed { store.watch.succeed() }
                    hasFailed = false
                } catch {
                    // A wait for another process's lock is reported elsewhere.
                    if error.isOfTheStore, !Task.isCancelled {
                        store.watch.fail("\(error)")
                        hasFailed = true
                    }
                }
                try? await Task.sleep(for: Self.poll)
            }
        }
    }
}
