def roman(number):
    digits = [(10, 'X'), (9, 'IX'), (5, 'V'), (4, 'IV'), (1, 'I')]
    text = ''
    for value, letters in digits:
        text += letters * (number // value)
        number %= value
    return text
