import AMQP

extension [IncomingMessage] {
    /// The same in the same order, in parts whose bodies have no more bytes than this, or of one message.
    func slices(ofSize limit: Int) -> [ArraySlice<IncomingMessage>] {
        var slices: [ArraySlice<IncomingMessage>] = []
        var (start, size) = (startIndex, 0)
        for index in indices {
            if index > start, size + self[index].body.count > limit {
                slices.append(self[start..<index])
                (start, size) = (index, 0)
            }
            size += self[index].body.count
        }
        if start < endIndex { slices.append(self[start...]) }
        return slices
    }
}
