<?php
// The signed API from PHP 8, with no extension but those that come with it.
//
//     BASE=http://127.0.0.1:8000 ACCESS_KEY=ak_test_… SECRET_KEY=… php signed.php
//
// Makes every call once and prints each answer on a line. `calculate_hmac` is the published sample, as it stands.

function calculate_hmac($secret, $timestamp, $body, $path, $method = 'GET')
{
    $message = $method . "\n" . $path . "\n" . $body . "\n" . $timestamp . "\n";
    return hash_hmac('sha256', $message, $secret);
}

// $body is the text that is signed; $content is what is sent, if it is not that text.
function call($method, $path, $body, $content = null, $kind = 'application/json')
{
    $timestamp = floor(microtime(true) * 1000);
    $headers = [
        'Access-Key: ' . getenv('ACCESS_KEY'),
        'Timestamp: ' . $timestamp,
        'Signature: ' . calculate_hmac(getenv('SECRET_KEY'), $timestamp, $body, $path, $method),
    ];
    $options = ['method' => $method, 'ignore_errors' => true, 'timeout' => 30];
    if ($method === 'POST') {
        $headers[] = 'Content-Type: ' . $kind;
        $options['content'] = $content ?? $body;
    }
    $options['header'] = $headers;
    return file_get_contents(getenv('BASE') . '/' . $path, false, stream_context_create(['http' => $options]));
}

// A multipart body, as curl's --form sends it.
function form($fields)
{
    $body = '';
    foreach ($fields as $name => $value) {
        $body .= "--cut\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$value\r\n";
    }
    return $body . "--cut--\r\n";
}

$order_id = $argv[1] ?? 'php-' . floor(microtime(true) * 1000);
$link = [
    'user_id' => 'a42332-2fs-q341-d36d34', 'order_id' => $order_id, 'amount' => 100, 'method' => 'UPI',
    'redirect_url' => 'http://test.com',
];
$payout = [
    'beneficiary_name' => 'Test Name', 'beneficiary_email' => 'test.test@gmail.com',
    'beneficiary_mobile_no' => 7878787878, 'beneficiary_address' => 'NOIDA', 'payment_method' => 'IMPS',
    'beneficiary_acc_no' => '99999999999', 'bank_name' => 'SBI', 'ifsc' => 'SBIN0060589', 'amount' => 5,
    'remarks' => null, 'order_id' => $order_id, 'user_id' => 'hasd-feh32-sdfs-345',
];
$question = ['order_id' => $order_id];
$answers = [
    call('GET', 'api/v1/balance', ''),
    call('POST', 'api/v1/payin/generate/link', json_encode($link)),
    call('POST', 'api/v1/payin/transactions', json_encode($question), form($question), 'multipart/form-data; boundary=cut'),
    call('POST', 'api/v1/payout/initiate', json_encode($payout)),
    call('GET', "api/v1/payout/$order_id/status", ''),
];
foreach ($answers as $answer) {
    echo $answer, "\n";
}
