internal import NIOCore

/// A connection on its way to being usable.
struct Opening {
    let origin: Origin
    /// When TCP and TLS must be through.
    let deadline: NIODeadline
    /// Told the outcome.
    let ready: EventLoopPromise<Void>
}
