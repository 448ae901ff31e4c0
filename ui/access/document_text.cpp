// SPDX-License-Identifier: GPL-3.0-or-later
// Accessible text of the open document.
#include "ui/access/document_text.h"

#include <algorithm>

namespace dossier::ui {

AccessibleDocument::AccessibleDocument(DocumentView* view)
    : QAccessibleWidget(view, QAccessible::Document) {}

DocumentView* AccessibleDocument::view() const {
    return static_cast<DocumentView*>(widget());
}

ingest::TextRange AccessibleDocument::scope() const {
    constexpr std::uint64_t kLines = 8000; // bytes of text files that are exposed at once
    const auto& document = view()->document();
    if (!document) {
        return {};
    }
    const std::uint64_t top = std::min<std::uint64_t>(view()->topOffset(), document->text.size());
    if (const auto page = ingest::pageOf(*document, top)) {
        return document->pages[*page].range;
    }
    std::uint64_t end = std::min<std::uint64_t>(document->text.size(), top + kLines);
    while (end < document->text.size() &&
           (static_cast<unsigned char>(document->text[end]) & 0xC0) == 0x80) {
        ++end;
    }
    return {top, end};
}

QString AccessibleDocument::scopeText() const {
    const auto& document = view()->document();
    const ingest::TextRange range = scope();
    return document ? QString::fromUtf8(document->text.data() + range.begin,
                                        static_cast<qsizetype>(range.size()))
                    : QString();
}

std::uint64_t AccessibleDocument::byteOf(int offset) const {
    const auto& document = view()->document();
    const ingest::TextRange range = scope();
    return document
               ? range.begin +
                     utf8Index(std::string_view(document->text).substr(range.begin, range.size()),
                               offset)
               : 0;
}

int AccessibleDocument::offsetOf(std::uint64_t byte) const {
    const auto& document = view()->document();
    const ingest::TextRange range = scope();
    if (!document || byte <= range.begin) {
        return 0;
    }
    return utf16Index(std::string_view(document->text).substr(range.begin, range.size()),
                      std::min(byte, range.end) - range.begin);
}

QAccessible::State AccessibleDocument::state() const {
    QAccessible::State state = QAccessibleWidget::state();
    state.readOnly = true;
    state.multiLine = true;
    state.selectableText = true;
    return state;
}

QString AccessibleDocument::text(QAccessible::Text what) const {
    return what == QAccessible::Value ? scopeText() : QAccessibleWidget::text(what);
}

void* AccessibleDocument::interface_cast(QAccessible::InterfaceType type) {
    return type == QAccessible::TextInterface ? static_cast<QAccessibleTextInterface*>(this)
                                              : QAccessibleWidget::interface_cast(type);
}

int AccessibleDocument::selectionCount() const {
    return view()->selection() ? 1 : 0;
}

void AccessibleDocument::selection(int index, int* start, int* end) const {
    *start = *end = 0;
    if (index == 0 && view()->selection()) {
        *start = offsetOf(view()->selection()->begin);
        *end = offsetOf(view()->selection()->end);
    }
}

void AccessibleDocument::addSelection(int start, int end) {
    setSelection(0, start, end);
}

void AccessibleDocument::removeSelection(int) {
    view()->select(std::nullopt);
}

void AccessibleDocument::setSelection(int, int start, int end) {
    view()->select(ingest::TextRange{byteOf(start), byteOf(end)});
}

int AccessibleDocument::cursorPosition() const {
    return view()->selection() ? offsetOf(view()->selection()->end) : 0;
}

void AccessibleDocument::setCursorPosition(int position) {
    const std::uint64_t byte = byteOf(position);
    view()->showRange({byte, byte}, false);
}

QString AccessibleDocument::text(int start, int end) const {
    return scopeText().mid(start, end - start);
}

int AccessibleDocument::characterCount() const {
    return static_cast<int>(scopeText().size());
}

QRect AccessibleDocument::characterRect(int offset) const {
    const QRectF rect = view()->textRect(byteOf(offset));
    return rect.isEmpty() ? QRect()
                          : QRect(view()->viewport()->mapToGlobal(rect.topLeft().toPoint()),
                                  rect.size().toSize());
}

int AccessibleDocument::offsetAtPoint(const QPoint& point) const {
    const auto byte = view()->textAt(view()->viewport()->mapFromGlobal(point));
    return byte ? offsetOf(*byte) : -1;
}

void AccessibleDocument::scrollToSubstring(int start, int end) {
    view()->showRange({byteOf(start), byteOf(end)}, false);
}

QString AccessibleDocument::attributes(int, int* start, int* end) const {
    *start = 0;
    *end = characterCount();
    return {};
}

} // namespace dossier::ui
