// Records when private feeds were last fetched.
//
// Reads:      the fetches that the portal notes.
// Writes:     the time of each endpoint's last fetch, all in one transaction every five seconds.
// On failure: the times are written with the next ones.

import Bulletins
import Logging
package import Runtime
import ServiceLifecycle
package import Storage
import Synchronization

/// Collects fetches in memory, so that a request for a feed needs no write.
package final class FetchLog: Service {
    private let store: any FeedStore
    private let context: StageContext
    private let fetches = Mutex<[Int64: Timestamp]>([:])
    private static let pause = Duration.seconds(5)

    package init(store: any FeedStore, context: StageContext) { (self.store, self.context) = (store, context) }

    /// Notes that the private feed of an endpoint was fetched now.
    package func note(_ endpoint: Int64) {
        let now = context.clock.now
        fetches.withLock { $0[endpoint] = now }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.pause)
                await self.write()
            }
        }
        await write()
    }

    private func write() async {
        let noted = fetches.withLock { fetches in
            defer { fetches = [:] }
            return fetches
        }
        guard !noted.isEmpty else { return }
        do throws(StoreError) {
            try await store.record(fetches: noted)
        } catch {
            context.logger.wait("when feeds were last asked for is not written yet", for: error)
            fetches.withLock { $0.merge(noted) { newer, _ in newer } }
        }
    }
}
