import Testing

@testable import Runtime

/// The cache is bounded in bytes and large enough for the usual order of requests.
struct RenderCacheTests {
    @Test func itsBytesAreBounded() {
        let cache = RenderCache<Int, [UInt8]>(sizeLimit: 1000) { $0.count }
        for key in 1...100 { _ = cache.value(key) { [UInt8](repeating: 1, count: 100) } }
        #expect((1...100).filter { cache.known($0) != nil } == Array(91...100))
        _ = cache.value(200) { [UInt8](repeating: 1, count: 5000) }
        #expect(cache.known(200) != nil && cache.known(100) == nil)
    }

    /// A round of a thousand bulletins misses once per bulletin.
    @Test func aRoundOfBulletinsIsRenderedOnce() {
        let cache = RenderCache<Int, Int>()
        var rendered = 0
        for _ in 1...3 {
            for key in 1...1000 {
                _ = cache.value(key) {
                    rendered += 1
                    return key
                }
            }
        }
        #expect(rendered == 1000)
    }
}
