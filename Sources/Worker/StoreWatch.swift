// Looks at the store itself.
//
// Reads:      whether its files are still those that are open, and whether it can be written.
// Writes:     nothing, but a row as it is when the last transaction failed.
// Guarantees: while the store cannot be used, the worker is not ready; one line of the log says why and what to do, and
//             one that it is over.
// On failure: it is what this is for; the stages go on to try with pauses of their own.

import Logging
import ServiceLifecycle
import Storage

/// Tells once what is wrong with the store, for all stages.
struct StoreWatch: Service {
    let store: any CheckedStore
    let readiness: Readiness
    let logger: Logger

    private static let poll = Duration.seconds(2)
    private static let part = "store"

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var trouble: StoreError?
            while !Task.isCancelled {
                let found = await look()
                if !Task.isCancelled { tell(found, before: trouble) }
                trouble = found
                try? await Task.sleep(for: Self.poll)
            }
        }
    }

    private func look() async -> StoreError? {
        do throws(StoreError) {
            try await store.check()
            return nil
        } catch {
            // Another process that has the lock for long is told of by whoever waits for it.
            return error.isOfTheStore ? error : nil
        }
    }

    private func tell(_ found: StoreError?, before: StoreError?) {
        guard let found else {
            readiness.recover(Self.part)
            if before != nil { logger.notice("the store can be used again") }
            return
        }
        readiness.fail(Self.part, "\(found)")
        if before == nil { logger.error("\(found)") }
    }
}
