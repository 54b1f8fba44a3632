// Looks at the store itself.
//
// Reads:      whether its files are still those that are open, and whether it can be written.
// Writes:     nothing, but a row as it is when a transaction failed a moment ago.
// Guarantees: while the store cannot be used, the worker is not ready; one line of the log says why and what to do, and
//             one that it is over (`StoreWatch`).
// On failure: it is what this is for; the stages go on to try with pauses of their own.

import ServiceLifecycle
import Storage

/// Finds out what is wrong with the store while nothing is written, and when that is over.
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
                    // Who waits for another process's lock tells of that by itself.
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
