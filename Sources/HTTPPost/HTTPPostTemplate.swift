internal import NIOCore

/// What all posts to one target have in common, checked and written once: the request line, `Host`, `User-Agent` and the
/// headers that never change.
public struct HTTPPostTemplate: Sendable {
    /// Where they go.
    public let target: HTTPTarget
    /// From `POST` up to the line end of the last of these headers, without it.
    let head: ByteBuffer
}
